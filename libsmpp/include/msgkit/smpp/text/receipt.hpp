// Delivery receipts: the text of SMPP 3.4 Appendix B with the variations that peers send, and the TLVs beside it.
// Pure and thread-safe; results own their strings.
//
//   auto r = smpp::parse_receipt(payload, {.message_state = 2, .receipted_message_id = id_octets});
//   if (r && smpp::ids_match(submitted_id, r->id, peer.ids) && r->state == smpp::message_state::delivered) ...
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/smpp/message_state.hpp"
#include "msgkit/smpp/text/time_format.hpp"

namespace msgkit::smpp {

// TLVs of the carrying PDU, as octets without tag and length.
struct receipt_tlvs {
  std::optional<std::uint8_t> message_state{};        // 0x0427
  std::optional<bytes_view> receipted_message_id{};   // 0x001E, closing zero optional
  std::optional<bytes_view> network_error_code{};     // 0x0423
};

struct receipt_options {
  std::chrono::minutes zone{0};  // the peer's clock ahead of UTC; times with their own offset ignore it
  int reference_year = reference_year_default;
  friend bool operator==(const receipt_options&, const receipt_options&) = default;
};

struct network_error {
  std::uint8_t network = 0;  // 3 GSM, 8 SMSC, ...; 0 when the peer wrote three ASCII digits instead
  std::uint16_t code = 0;
  friend bool operator==(const network_error&, const network_error&) = default;
};

struct receipt {
  std::string id{};       // from the TLV when there is one, else from the text
  std::string text_id{};  // as the text has it; its number base may differ from the TLV's
  std::optional<std::uint32_t> submitted{};  // sub
  std::optional<std::uint32_t> delivered{};  // dlvrd
  std::optional<wall_time> submit_date{};
  std::optional<wall_time> done_date{};
  std::string stat{};                     // the word as received, empty when the text has none
  std::optional<message_state> state{}; // from the TLV when it has a known value, else from `stat`; empty when neither
                                        // is understood, which cautious callers treat as a failure
  std::string err{};                      // as received, "000" or "21b"
  std::optional<std::uint32_t> err_number{};  // only when `err` is digits
  std::optional<network_error> network{};
  std::string text{};        // UTF-8; octets that are not become their Latin-1 characters
  bool irregular = false;  // a date, number or stat word did not read

  friend bool operator==(const receipt&, const receipt&) = default;
};

// Labels may come in any order and case, any of them may be missing, and the text may be cut anywhere. "text:" ends the
// search, so labels inside the text are not taken for fields, unless no stat came before it.
// Errors: text_errc::not_a_receipt when there is neither an id nor a state, in text or TLVs.
result<receipt> parse_receipt(bytes_view payload, const receipt_tlvs& tlvs = {}, const receipt_options& options = {});

// A date of 10 (YYMMDDhhmm), 12 (with ss) or 14 (YYYYMMDDhhmmss) digits, or 16 characters as in time_format.hpp.
// Nothing when it is none of these, or all zeros.
std::optional<wall_time> parse_receipt_date(std::string_view text, const receipt_options& options = {});

// --- For servers ---

struct receipt_format {
  bool seconds = false;               // 12-digit dates
  std::chrono::minutes zone{0};
  std::size_t text_characters_max = 20;
};
// Appendix B's text from id, submitted, delivered, dates, state (or stat), err and the start of text, which keeps whole
// characters. Missing counts are 001 and 001 or 000 by state; missing dates are zeros; a missing err is 000.
std::string format_receipt(const receipt& r, const receipt_format& format = {});
// network_error_code: 3 octets.
byte_vector format_network_error(const network_error& e);

// --- Message ids: submit_sm_resp and receipt may write the same number differently ---

enum class id_base : std::uint8_t { text, decimal, hexadecimal };
struct id_profile {
  id_base submit = id_base::text;   // how submit_sm_resp writes ids
  id_base receipt = id_base::text;  // how receipts do
  friend bool operator==(const id_profile&, const id_profile&) = default;
};

// Lower case without leading zeros; "000" is "0".
std::string normalized_id(std::string_view id);

// Between decimal and hexadecimal, normalized; from or to id_base::text is normalized_id.
// Nothing when `id` is not a number in `from`, or has more than 64 characters.
std::optional<std::string> convert_id(std::string_view id, id_base from, id_base to);

// An id that every version carries, 3.3 included: 8 hexadecimal digits in lower case.
std::string format_hex_id(std::uint32_t number);

// The receipt's id as submit_sm_resp would have written it, normalized: the key to look it up by. A value that is not a
// number in the profile's base is only normalized.
std::string submit_key(std::string_view receipt_id, const id_profile& profile = {});

// Exact, then normalized, then converted by the profile.
bool ids_match(std::string_view submit_id, std::string_view receipt_id, const id_profile& profile = {});

}  // namespace msgkit::smpp
