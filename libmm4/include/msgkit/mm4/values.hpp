// The values of MM4 headers that come from a list (3GPP TS 23.140 section 8.4, OMA MMS encapsulation for the names).
// Every list is one table; parsing ignores case and knows the misspellings that deployed systems send.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace msgkit::mm4 {

enum class message_type : std::uint8_t {
  forward_req,
  forward_res,
  delivery_report_req,
  delivery_report_res,
  read_reply_report_req,
  read_reply_report_res,
};
constexpr bool is_request(message_type t) noexcept { return (static_cast<unsigned>(t) & 1u) == 0; }

enum class message_class : std::uint8_t { personal, advertisement, informational, automatic };
enum class priority : std::uint8_t { low, normal, high };
enum class sender_visibility : std::uint8_t { show, hide };
enum class content_class : std::uint8_t {
  text, image_basic, image_rich, video_basic, video_rich, megapixel, content_basic, content_rich
};

// X-Mms-Request-Status-Code; the numbers are the octets of MM1.
enum class request_status : std::uint8_t {
  ok = 128,
  unspecified = 129,
  service_denied = 130,
  message_format_corrupt = 131,
  sending_address_unresolved = 132,
  message_not_found = 133,
  network_problem = 134,
  content_not_accepted = 135,
  unsupported_message = 136,
  transient_failure = 192,
  transient_sending_address_unresolved = 193,
  transient_message_not_found = 194,
  transient_network_problem = 195,
  permanent_failure = 224,
  permanent_service_denied = 225,
  permanent_message_format_corrupt = 226,
  permanent_sending_address_unresolved = 227,
  permanent_message_not_found = 228,
  permanent_content_not_accepted = 229,
  permanent_reply_charging_limitations_not_met = 230,
  permanent_reply_charging_request_not_accepted = 231,
  permanent_reply_charging_forwarding_denied = 232,
  permanent_reply_charging_not_supported = 233,
};
// Whether sending the same message again later can help.
bool is_retryable(request_status s) noexcept;
// A code in the manner of HTTP, as gateways show it: 200, 400, 403, 404, 406, 415, 500, 503.
int http_code(request_status s) noexcept;

// X-Mms-MM-Status-Code of delivery reports.
enum class mm_status : std::uint8_t { expired, retrieved, rejected, deferred, unrecognised, indeterminate, forwarded };
// Expired, retrieved, rejected and unrecognised end the life of a message for a recipient.
bool is_final(mm_status s) noexcept;
int http_code(mm_status s) noexcept;

enum class status_extension : std::uint8_t { rejection_by_recipient, rejection_by_other_rs };
enum class read_status : std::uint8_t { read, deleted };

// The spelling of the specification.
std::string_view to_string(message_type) noexcept;
std::string_view to_string(message_class) noexcept;
std::string_view to_string(priority) noexcept;
std::string_view to_string(sender_visibility) noexcept;
std::string_view to_string(content_class) noexcept;
std::string_view to_string(request_status) noexcept;
std::string_view to_string(mm_status) noexcept;
std::string_view to_string(status_extension) noexcept;
std::string_view to_string(read_status) noexcept;

// E is one of the enumerations above. Trimmed, quotes removed, any case. A request_status may be a number too, 0 for ok;
// one that begins with Error-transient or Error-permanent and is not in the list is the general one of its kind.
template <class E>
std::optional<E> parse_value(std::string_view text) noexcept;

// Yes and No, as well as true, false, 1 and 0.
std::optional<bool> parse_yes_no(std::string_view text) noexcept;

}  // namespace msgkit::mm4
