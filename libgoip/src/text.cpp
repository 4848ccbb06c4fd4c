#include "msgkit/goip/text.hpp"

#include <algorithm>

#include "msgkit/core/utf.hpp"
#include "msgkit/goip/errc.hpp"
#include "msgkit/goip/limits.hpp"

namespace msgkit::goip {
namespace {

constexpr std::size_t ascii_single = 160, ascii_part = 153, ucs2_single = 70, ucs2_part = 67;

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool is_dialable(char c) noexcept { return (c >= '0' && c <= '9') || c == '*' || c == '#'; }

std::size_t parts_of(std::size_t units, std::size_t single, std::size_t part) noexcept {
  return units <= single ? 1 : (units + part - 1) / part;
}

}  // namespace

std::string clean_text(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  bool ill_formed = false;
  for (std::size_t i = 0; i < octets.size();) {
    const char32_t c = next_code_point(octets, i, ill_formed);
    const bool is_c1 = c >= 0x7F && c < 0xA0;
    const bool is_noncharacter = (c & 0xFFFE) == 0xFFFE;  // XML refuses U+FFFE and U+FFFF
    if (is_noncharacter) append_utf8(out, replacement_character);
    else if ((c >= 0x20 && !is_c1) || c == '\n' || c == '\t') append_utf8(out, c);
  }
  return out;
}

result<void> check_sms_text(std::string_view text) noexcept {
  if (text.size() > sms_text_bytes_max) return fault{make_error_code(errc::text_too_long), "text", sms_text_bytes_max};
  if (const auto nul = text.find('\0'); nul != text.npos)
    return fault{make_error_code(errc::forbidden_character), "text", nul};
  if (!is_valid_utf8(text)) return fault{make_error_code(errc::invalid_utf8), "text"};
  return {};
}

result<void> check_destination(std::string_view number) noexcept {
  auto digits = number;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || number.size() > number_bytes_max || !std::ranges::all_of(digits, is_dialable))
    return fault{make_error_code(errc::invalid_destination), "number"};
  return {};
}

result<void> check_ussd_code(std::string_view code, bool is_choice) noexcept {
  const auto fits = [is_choice](char c) { return is_choice ? !is_control(c) : is_dialable(c) || c == '+'; };
  if (code.empty() || code.size() > ussd_code_bytes_max || !std::ranges::all_of(code, fits) || !is_valid_utf8(code))
    return fault{make_error_code(errc::invalid_ussd_code), "code"};
  return {};
}

std::size_t count_parts(std::string_view utf8) noexcept {
  std::size_t units = 0;
  bool is_ascii = true, ill_formed = false;
  for (std::size_t i = 0; i < utf8.size();) {
    const char32_t c = next_code_point(utf8, i, ill_formed);
    is_ascii = is_ascii && c < 0x80;
    units += c >= 0x10000 ? 2 : 1;
  }
  return is_ascii ? parts_of(units, ascii_single, ascii_part) : parts_of(units, ucs2_single, ucs2_part);
}

}  // namespace msgkit::goip
