#include "msgkit/mm4/values.hpp"

#include <charconv>

#include "text.hpp"

namespace msgkit::mm4 {
namespace {

template <class E>
struct entry {
  E value;
  std::string_view name;
};

template <class E>
struct table;

template <>
struct table<message_type> {
  static constexpr entry<message_type> names[] = {
      {message_type::forward_req, "MM4_forward.REQ"},
      {message_type::forward_res, "MM4_forward.RES"},
      {message_type::delivery_report_req, "MM4_delivery_report.REQ"},
      {message_type::delivery_report_res, "MM4_delivery_report.RES"},
      {message_type::read_reply_report_req, "MM4_read_reply_report.REQ"},
      {message_type::read_reply_report_res, "MM4_read_reply_report.RES"}};
  static constexpr entry<message_type> aliases[] = {
      {message_type::read_reply_report_req, "MM4_read_reply.REQ"}, {message_type::read_reply_report_res, "MM4_read_reply.RES"}};
};
template <>
struct table<message_class> {
  static constexpr entry<message_class> names[] = {{message_class::personal, "Personal"},
                                                   {message_class::advertisement, "Advertisement"},
                                                   {message_class::informational, "Informational"},
                                                   {message_class::automatic, "Auto"}};
  static constexpr entry<message_class> aliases[] = {{message_class::advertisement, "Advertisment"}};
};
template <>
struct table<priority> {
  static constexpr entry<priority> names[] = {
      {priority::low, "Low"}, {priority::normal, "Normal"}, {priority::high, "High"}};
  static constexpr entry<priority> aliases[] = {{priority::normal, "Medium"}};
};
template <>
struct table<sender_visibility> {
  static constexpr entry<sender_visibility> names[] = {{sender_visibility::show, "Show"}, {sender_visibility::hide, "Hide"}};
  // Mixed up with a yes or no by some senders.
  static constexpr entry<sender_visibility> aliases[] = {{sender_visibility::show, "Yes"}, {sender_visibility::hide, "No"}};
};
template <>
struct table<content_class> {
  static constexpr entry<content_class> names[] = {
      {content_class::text, "text"},
      {content_class::image_basic, "image-basic"},
      {content_class::image_rich, "image-rich"},
      {content_class::video_basic, "video-basic"},
      {content_class::video_rich, "video-rich"},
      {content_class::megapixel, "megapixel"},
      {content_class::content_basic, "content-basic"},
      {content_class::content_rich, "content-rich"}};
  static constexpr entry<content_class> aliases[] = {{content_class::megapixel, "mega-pixel"}};
};
template <>
struct table<mm_status> {
  static constexpr entry<mm_status> names[] = {
      {mm_status::expired, "Expired"},         {mm_status::retrieved, "Retrieved"},
      {mm_status::rejected, "Rejected"},       {mm_status::deferred, "Deferred"},
      {mm_status::unrecognised, "Unrecognised"}, {mm_status::indeterminate, "Indeterminate"},
      {mm_status::forwarded, "Forwarded"}};
  static constexpr entry<mm_status> aliases[] = {
      {mm_status::unrecognised, "Unrecognized"}, {mm_status::indeterminate, "Unknown"}, {mm_status::retrieved, "Delivered"}};
};
template <>
struct table<status_extension> {
  static constexpr entry<status_extension> names[] = {
      {status_extension::rejection_by_recipient, "Rejection-by-MMS-Recipient"},
      {status_extension::rejection_by_other_rs, "Rejection-by-other-RS"}};
  static constexpr entry<status_extension> aliases[] = {
      {status_extension::rejection_by_other_rs, "Rejection-by-other-R/S"}};
};
template <>
struct table<read_status> {
  static constexpr entry<read_status> names[] = {{read_status::read, "Read"},
                                                 {read_status::deleted, "Deleted without being read"}};
};

struct status_entry {
  request_status value;
  std::string_view name;
  int http;
  bool retry;
};
constexpr status_entry statuses[] = {
    {request_status::ok, "Ok", 200, false},
    {request_status::unspecified, "Error-unspecified", 500, true},
    {request_status::service_denied, "Error-service-denied", 403, false},
    {request_status::message_format_corrupt, "Error-message-format-corrupt", 400, false},
    {request_status::sending_address_unresolved, "Error-sending-address-unresolved", 404, false},
    {request_status::message_not_found, "Error-message-not-found", 404, false},
    {request_status::network_problem, "Error-network-problem", 503, true},
    {request_status::content_not_accepted, "Error-content-not-accepted", 406, false},
    {request_status::unsupported_message, "Error-unsupported-message", 415, false},
    {request_status::transient_failure, "Error-transient-failure", 503, true},
    {request_status::transient_sending_address_unresolved, "Error-transient-sending-address-unresolved", 404, true},
    {request_status::transient_message_not_found, "Error-transient-message-not-found", 404, true},
    {request_status::transient_network_problem, "Error-transient-network-problem", 503, true},
    {request_status::permanent_failure, "Error-permanent-failure", 500, false},
    {request_status::permanent_service_denied, "Error-permanent-service-denied", 403, false},
    {request_status::permanent_message_format_corrupt, "Error-permanent-message-format-corrupt", 400, false},
    {request_status::permanent_sending_address_unresolved, "Error-permanent-sending-address-unresolved", 404, false},
    {request_status::permanent_message_not_found, "Error-permanent-message-not-found", 404, false},
    {request_status::permanent_content_not_accepted, "Error-permanent-content-not-accepted", 406, false},
    {request_status::permanent_reply_charging_limitations_not_met,
     "Error-permanent-reply-charging-limitations-not-met", 403, false},
    {request_status::permanent_reply_charging_request_not_accepted,
     "Error-permanent-reply-charging-request-not-accepted", 403, false},
    {request_status::permanent_reply_charging_forwarding_denied,
     "Error-permanent-reply-charging-forwarding-denied", 403, false},
    {request_status::permanent_reply_charging_not_supported,
     "Error-permanent-reply-charging-not-supported", 403, false},
};
// Stand in the tables of deployed systems.
constexpr entry<request_status> status_aliases[] = {
    {request_status::content_not_accepted, "Error-contant-not-accepted"},
    {request_status::service_denied, "Error- service-denied"},
};

const status_entry& info(request_status s) noexcept {
  for (const auto& e : statuses)
    if (e.value == s) return e;
  return statuses[1];
}

template <class E>
std::string_view name_of(E value) noexcept {
  for (const auto& e : table<E>::names)
    if (e.value == value) return e.name;
  return "unknown";
}

}  // namespace

std::string_view to_string(message_type v) noexcept { return name_of(v); }
std::string_view to_string(message_class v) noexcept { return name_of(v); }
std::string_view to_string(priority v) noexcept { return name_of(v); }
std::string_view to_string(sender_visibility v) noexcept { return name_of(v); }
std::string_view to_string(content_class v) noexcept { return name_of(v); }
std::string_view to_string(mm_status v) noexcept { return name_of(v); }
std::string_view to_string(status_extension v) noexcept { return name_of(v); }
std::string_view to_string(read_status v) noexcept { return name_of(v); }
std::string_view to_string(request_status v) noexcept { return info(v).name; }

bool is_retryable(request_status s) noexcept { return info(s).retry; }
int http_code(request_status s) noexcept { return info(s).http; }

bool is_final(mm_status s) noexcept {
  return s == mm_status::expired || s == mm_status::retrieved || s == mm_status::rejected || s == mm_status::unrecognised;
}

int http_code(mm_status s) noexcept {
  switch (s) {
    case mm_status::retrieved: return 200;
    case mm_status::forwarded: return 202;
    case mm_status::unrecognised: return 404;
    case mm_status::rejected: return 406;
    case mm_status::expired: return 408;
    case mm_status::deferred: return 410;
    case mm_status::indeterminate: return 500;
  }
  return 500;
}

template <class E>
std::optional<E> parse_value(std::string_view text) noexcept {
  text = unquoted(text);
  for (const auto& e : table<E>::names)
    if (mime::equal_ignoring_case(e.name, text)) return e.value;
  for (const auto& e : table<E>::aliases)
    if (mime::equal_ignoring_case(e.name, text)) return e.value;
  return std::nullopt;
}

// "Deleted" in any wording.
template <>
std::optional<read_status> parse_value<read_status>(std::string_view text) noexcept {
  text = unquoted(text);
  if (mime::starts_ignoring_case(text, "deleted")) return read_status::deleted;
  return mime::equal_ignoring_case(text, "read") ? std::optional{read_status::read} : std::nullopt;
}

template <>
std::optional<request_status> parse_value<request_status>(std::string_view text) noexcept {
  text = unquoted(text);
  for (const auto& e : statuses)
    if (mime::equal_ignoring_case(e.name, text)) return e.value;
  for (const auto& e : status_aliases)
    if (mime::equal_ignoring_case(e.name, text)) return e.value;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) {
    if (number == 0) return request_status::ok;
    for (const auto& e : statuses)
      if (static_cast<unsigned>(e.value) == number) return e.value;
    return std::nullopt;
  }
  if (mime::starts_ignoring_case(text, "error-transient")) return request_status::transient_failure;
  if (mime::starts_ignoring_case(text, "error-permanent")) return request_status::permanent_failure;
  if (mime::starts_ignoring_case(text, "error")) return request_status::unspecified;
  return std::nullopt;
}

template std::optional<message_type> parse_value(std::string_view) noexcept;
template std::optional<message_class> parse_value(std::string_view) noexcept;
template std::optional<priority> parse_value(std::string_view) noexcept;
template std::optional<sender_visibility> parse_value(std::string_view) noexcept;
template std::optional<content_class> parse_value(std::string_view) noexcept;
template std::optional<mm_status> parse_value(std::string_view) noexcept;
template std::optional<status_extension> parse_value(std::string_view) noexcept;

std::optional<bool> parse_yes_no(std::string_view text) noexcept {
  text = unquoted(text);
  for (const auto yes : {"yes", "true", "1"})
    if (mime::equal_ignoring_case(text, yes)) return true;
  for (const auto no : {"no", "false", "0"})
    if (mime::equal_ignoring_case(text, no)) return false;
  return std::nullopt;
}

}  // namespace msgkit::mm4
