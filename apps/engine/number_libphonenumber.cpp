// to_e164 by libphonenumber, where the build has it.
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include "engine/number.hpp"

namespace msgkit::engine {
namespace {

namespace phone = i18n::phonenumbers;

// It would read letters as the digits of their keys, and extensions as part of a text.
bool is_written_as_number(std::string_view text) {
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') ++digits;
    else if (std::string_view(" -()./").find(c) == std::string_view::npos && !(c == '+' && digits == 0)) return false;
  }
  constexpr std::size_t digits_max = 20;  // with prefixes
  return digits > 0 && digits <= digits_max;
}

struct reading {
  std::string digits{};
  bool is_possible = false, is_valid = false;  // by length; by the ranges that are in use
};

reading read(const std::string& text, const std::string& region) {
  const auto& util = *phone::PhoneNumberUtil::GetInstance();
  phone::PhoneNumber number;
  if (util.Parse(text, region, &number) != phone::PhoneNumberUtil::NO_PARSING_ERROR) return {};
  reading r{.is_possible = util.IsPossibleNumber(number), .is_valid = util.IsValidNumber(number)};
  util.Format(number, phone::PhoneNumberUtil::E164, &r.digits);
  if (r.digits.starts_with('+')) r.digits.erase(0, 1);
  return r;
}

}  // namespace

bool has_libphonenumber() noexcept { return true; }

std::optional<std::string> to_e164(std::string_view text, std::string_view iso) {
  if (!is_written_as_number(text)) return std::nullopt;
  const auto international = [&] {
    std::string digits = "+";
    for (const char c : text)
      if (c >= '0' && c <= '9') digits += c;
    if (text.find('+') == std::string_view::npos && digits.starts_with("+00")) digits.erase(1, 2);
    return read(digits, "ZZ");  // what it calls no region
  };
  // As dialled at home where that is a number in use, else as an international one without its plus.
  const auto national = iso.empty() ? reading{} : read(std::string(text), std::string(iso));
  const auto abroad = national.is_valid ? reading{} : international();
  if (national.is_valid || (national.is_possible && !abroad.is_valid)) return national.digits;
  return abroad.is_possible ? std::optional(abroad.digits) : std::nullopt;
}

}  // namespace msgkit::engine
