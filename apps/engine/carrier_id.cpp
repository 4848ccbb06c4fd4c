#include "engine/carrier_id.hpp"

#include <algorithm>
#include <optional>

#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {
namespace {

__extension__ using u128 = unsigned __int128;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

int digit_value(char c) noexcept {
  c = lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

std::string folded(std::string_view id) {
  id.remove_prefix(std::min(id.find_first_not_of('0'), id.size()));
  std::string out{id};
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::optional<u128> number(std::string_view id, unsigned base) {
  if (id.empty()) return std::nullopt;
  const u128 max = ~u128{0};
  u128 value = 0;
  for (const char c : id) {
    const auto digit = static_cast<unsigned>(digit_value(c));
    if (digit >= base || value > (max - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

std::string hex(u128 value) {
  std::string out;
  for (; value != 0; value >>= 4) out.push_back("0123456789abcdef"[static_cast<unsigned>(value & 15)]);
  std::ranges::reverse(out);
  return out;
}

}  // namespace

std::string normal_form(std::string_view id, id_form form) {
  switch (form) {
    case id_form::exact: return std::string{id};
    case id_form::folded: return folded(id);
    case id_form::decimal:
    case id_form::hex:
      if (const auto value = number(id, form == id_form::hex ? 16 : 10)) return hex(*value);
      return folded(id);
  }
  return std::string{id};
}

std::uint64_t correlation_hash(std::string_view endpoint, std::string_view normal) noexcept {
  std::uint64_t h = mix(endpoint.size());
  for (const char c : endpoint) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001B3u;
  h = mix(h);
  for (const char c : normal) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001B3u;
  return mix(h);
}

}  // namespace msgkit::engine
