#include "datagram_head.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/goip/errc.hpp"
#include "msgkit/goip/limits.hpp"

namespace msgkit::goip {
namespace {

constexpr std::size_t verb_bytes_min = 2;

bool is_verb_octet(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

result<datagram_head> read_head(std::string_view datagram) noexcept {
  std::size_t at = 0;
  while (at < datagram.size() && at <= verb_bytes_max && is_verb_octet(datagram[at])) ++at;
  if (at < verb_bytes_min || at > verb_bytes_max || at == datagram.size() || (datagram[at] != ':' && datagram[at] != ' '))
    return fault{make_error_code(errc::no_verb), "verb"};
  datagram_head head{.shape = datagram[at] == ':' ? datagram_shape::fields : datagram_shape::words,
                     .verb = datagram.substr(0, at)};
  const std::size_t start = ++at;
  if (at < datagram.size() && datagram[at] == '-') ++at;
  const std::size_t first_digit = at;
  while (at < datagram.size() && is_digit(datagram[at])) ++at;
  head.number = datagram.substr(start, at - start);
  const fault bad{make_error_code(errc::invalid_number), "number", start};
  if (at == first_digit || at - first_digit > number_digits_max) return bad;
  std::int64_t value = 0;
  if (std::from_chars(head.number.data(), head.number.data() + head.number.size(), value).ec != std::errc{}) return bad;
  head.rest = datagram.substr(at);
  const bool separated = head.rest.empty() || head.rest[0] == (head.shape == datagram_shape::fields ? ';' : ' ') ||
                         trim_end(head.rest).empty();
  if (!separated) return bad;
  return head;
}

std::string_view trim_end(std::string_view text) noexcept {
  while (text.ends_with('\0')) text.remove_suffix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

result<std::uint32_t> to_send_id(std::string_view digits) noexcept {
  std::int32_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [at, ec] = std::from_chars(digits.data(), end, value);
  if (ec != std::errc{} || at != end || value < 0) return fault{make_error_code(errc::invalid_number), "sendid"};
  return static_cast<std::uint32_t>(value);
}

bool is_verb(std::string_view text) noexcept {
  return text.size() >= verb_bytes_min && text.size() <= verb_bytes_max && std::ranges::all_of(text, is_verb_octet);
}

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace msgkit::goip
