// Delivery reports as Kannel makes them: a GET of an address that the sender gave with the message (dlr-url), with
// escapes in it, for the events that it asked for (dlr-mask). Kannel 1.4.5 user guide, "Delivery reports" and table
// 6-9.
//
// How such a report waits and is repeated is the engine's business, as for every message. Its endpoint is not the
// client's own, so that reports leave also while the client's messages wait for a webhook that there is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/message.hpp"

namespace msgkit::app {

// Bits of dlr-mask.
constexpr unsigned kannel_delivered = 1;
constexpr unsigned kannel_undelivered = 2;
constexpr unsigned kannel_buffered = 4;  // may be asked for; what we take is never reported as waiting
constexpr unsigned kannel_accepted = 8;  // by the carrier
constexpr unsigned kannel_rejected = 16;
constexpr unsigned kannel_mask_max = 31;

struct kannel_report_order {
  unsigned mask = 0;
  std::string url{};  // http or https, with escapes
};
constexpr std::size_t kannel_url_octets_max = 2'000;

// "client:NAME" -> "report:NAME".
std::string report_endpoint(std::string_view account);

// What message_content::receipt_wanted and ::reference have to be, and back. Nothing for any other reference.
std::uint8_t receipts_for(const kannel_report_order& o);
std::string reference_of(const kannel_report_order& o);
std::optional<kannel_report_order> read_report_order(std::string_view reference);

// The bit that a receipt stands for.
unsigned kannel_event(const engine::receipt_details& r);
// The address to ask. `c` is a receipt of ours. Values are percent-encoded; an escape that does not exist stays.
std::string kannel_report_url(std::string_view pattern, const engine::message_content& c);

}  // namespace msgkit::app
