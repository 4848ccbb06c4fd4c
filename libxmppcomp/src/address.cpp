#include "msgkit/xmppcomp/address.hpp"

#include <algorithm>

#include "msgkit/core/utf.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::xmppcomp {
namespace {

// ITU-T E.164: country code and number together. Below the minimum it is no subscriber's number anywhere.
constexpr std::size_t international_digits_min = 6;
constexpr std::size_t international_digits_max = 15;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, is_digit); }

bool is_international(std::string_view number) noexcept {
  if (number.empty() || number.front() != '+') return false;
  const auto digits = number.substr(1);
  return all_digits(digits) && digits.front() != '0' && digits.size() >= international_digits_min &&
         digits.size() <= international_digits_max;
}

bool is_short_code(std::string_view number, const number_rules& rules) noexcept {
  return number.size() >= rules.short_code_digits_min && number.size() <= rules.short_code_digits_max &&
         std::ranges::all_of(number, [](char c) { return is_digit(c) || c == '*' || c == '#'; });
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// What XML and a local part can carry: no control characters, nothing ill-formed.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    bool ill_formed = false;
    const auto c = next_code_point(text, i, ill_formed);
    const bool is_control = c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xFFFE || c == 0xFFFF;
    append_utf8(out, is_control ? replacement_character : c);
  }
  return out;
}

}  // namespace

std::string local_of_sender(std::string_view sender) {
  constexpr std::size_t sender_bytes_max = jid_part_bytes_max / 3;  // each octet may become three
  sender = trimmed(sender);
  if (sender.starts_with("00") && is_international("+" + std::string(sender.substr(2))))
    return "+" + std::string(sender.substr(2));
  std::string text = printable(sender);
  if (text.size() > sender_bytes_max) {
    std::size_t end = sender_bytes_max;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
    text = trimmed(std::string_view(text).substr(0, end));
  }
  return escape_local(text).value_or("unknown");
}

result<std::string> number_of_local(std::string_view local, const number_rules& rules) {
  std::string number = unescape_local(local);
  std::erase_if(number, [](char c) { return std::string_view(" ()-./").find(c) != std::string_view::npos; });
  if (number.starts_with("00")) number.replace(0, 2, "+");
  if (is_international(number)) return number;
  // A short code is short; a national number is not. Between the two the trunk prefix decides.
  const bool is_national = !rules.country_code.empty() && all_digits(number) && number.starts_with(rules.trunk_prefix);
  if (is_national && (!rules.trunk_prefix.empty() || !is_short_code(number, rules))) {
    number = "+" + rules.country_code + number.substr(rules.trunk_prefix.size());
    if (is_international(number)) return number;
  } else if (is_short_code(number, rules)) {
    return number;
  }
  return fault{make_error_code(errc::number_invalid), "local", 0};
}

}  // namespace msgkit::xmppcomp
