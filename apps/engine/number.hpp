// Telephone numbers brought to E.164: digits with the country code, without a plus sign. From a table of the countries'
// codes, trunk prefixes and lengths (ITU-T E.164 and the national plans as published), so it knows what may be a number
// there, not whether it is allotted. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace msgkit::engine {

struct country_plan {
  std::string_view iso;            // "SE"
  std::string_view code;           // "46"
  std::string_view international;  // dialled before a country code: "00"
  std::string_view trunk;          // dialled before a national number, "" where there is none
  std::uint8_t digits_min, digits_max;  // of a national number without trunk prefix
};
std::span<const country_plan> country_plans() noexcept;
const country_plan* find_country(std::string_view iso) noexcept;
// By the longest country code the digits begin with; of several countries with one code the first. Null: no such code.
const country_plan* country_of(std::string_view digits) noexcept;

// "+46 (0)70-000 00 01", "0046700000001", "070-000 00 01" (with country "SE") all give "46700000001". Without a country
// only international forms do; digits alone are then taken to begin with a country code. nullopt: not a number that may
// exist, e.g. an alphanumeric sender or a short code.
std::optional<std::string> to_e164(std::string_view text, std::string_view iso = {});

// Whether to_e164 asks libphonenumber (the build option MSGKIT_WITH_LIBPHONENUMBER) instead of the table. It knows more
// of which numbers there are, and is slower: some microseconds a number, and 2 MB.
bool has_libphonenumber() noexcept;

// For routing and matching: to_e164, or the text as it was.
std::string normal_number(std::string_view text, std::string_view iso = {});

}  // namespace msgkit::engine
