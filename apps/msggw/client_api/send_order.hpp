// What a client asks for when it sends over HTTP, read from the three shapes of bodies that clients use.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mms.hpp"
#include "engine/message.hpp"
#include "msggw/directory/objects.hpp"

namespace msgkit::app {

// A medium that goes with a message: where it is, or what it is.
struct order_medium {
  std::string url{}, content{};  // one of them
  std::string type{}, name{};    // as given, possibly empty
};

struct send_order {
  api_format shape = api_format::generic;  // of the body, thus of the answer
  std::string country{};                   // set before reading: where numbers in national form belong, see to_digits()
  std::string from{};                      // digits; empty: the client's only number
  std::vector<std::string> to{};           // digits, 1..recipients_max
  std::string text{};                      // UTF-8, at most text_octets_max octets, and some where there are no media
  std::string subject{};                   // of an MMS
  bool group = false;                      // one message to all of `to`, where the carrier takes groups
  std::vector<order_medium> media{};       // as they were asked for; at most order_media_max
  std::optional<mms_message> mms{};        // once the media are in the store
  wall_time send_at{};                     // the epoch: at once
  std::chrono::seconds validity{0};        // from send_at on; 0: the gateway's default
  std::uint8_t priority = 0;               // 0..3
  bool receipt = false;                    // a receipt goes to the client
  std::uint8_t reports = 0;                // bits of message_content::receipt_wanted, for `report_to`
  std::string report_to{};                 // where those go instead of to the client, see kannel_report.hpp; or empty
};
constexpr std::size_t recipients_max = 50;
constexpr std::size_t text_octets_max = 16 * 1024;
constexpr std::size_t order_media_max = 10;

// generic  {"from"?, "to", "text", "subject"?, "group"?, "media": [{"url" or "content", "content_type"?,
// "filename"?}]?,
//          "send_at"?, "validity_secs"?, "priority"?, "receipt"?}, `to` also as a list; "content" is base64
// bicom    {"from", "to", "text", "media_urls": []}
// telnyx   {"data": {"payload": {"from": {"phone_number"}, "to": [{"phone_number"}], "text", "media": [{"url"}]}}},
//          known by its "data"
// `media` and `media_urls` mean the same in all of them.
// False with the reason in `why`, fit for the client.
[[nodiscard]] bool read_send_order(const nlohmann::json& body, api_format usual, send_order& out, std::string& why);

// "+1 (555) 0001" as 15550001; nothing unless 3 to 15 digits come of it, the first not 0. With a country ("SE") numbers
// as they are dialled there are understood as well: "070-000 00 01" as 46700000001. Up to six digits are a short code.
std::optional<std::string> to_digits(std::string_view number, std::string_view country = {});

// The engine's content for one recipient. `account` is "client:NAME". Media that are not in the store are left out.
engine::content_ptr content_of(const send_order& order, const std::string& account, const std::string& to,
                               bool transliterate = false);
// How many messages a phone gets of it.
std::size_t segment_count_of(const engine::message_content& c);

}  // namespace msgkit::app
