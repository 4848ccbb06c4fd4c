// Message ids in their number bases; declared in receipt.hpp.
#include <algorithm>
#include <vector>

#include "msgkit/smpp/text/receipt.hpp"

namespace msgkit::smpp {
namespace {

constexpr std::size_t id_characters_max = 64;
constexpr char digits[] = "0123456789abcdef";

constexpr unsigned base_of(id_base b) { return b == id_base::hexadecimal ? 16 : 10; }

constexpr unsigned no_digit = 99;
unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return no_digit;
}

// Schoolbook conversion: ids have up to 64 digits, more than any integer type.
std::string change_base(std::string_view id, unsigned from, unsigned to) {
  std::vector<unsigned> out;  // least significant digit first
  for (const char c : id) {
    unsigned carry = digit_value(c);
    for (auto& digit : out) {
      carry += digit * from;
      digit = carry % to;
      carry /= to;
    }
    for (; carry > 0; carry /= to) out.push_back(carry % to);
  }
  if (out.empty()) return "0";
  std::string text;
  for (auto it = out.rbegin(); it != out.rend(); ++it) text.push_back(digits[*it]);
  return text;
}

}  // namespace

std::string normalized_id(std::string_view id) {
  const auto start = std::min(id.find_first_not_of('0'), id.size());
  if (start == id.size()) return id.empty() ? "" : "0";
  std::string out{id.substr(start)};
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::optional<std::string> convert_id(std::string_view id, id_base from, id_base to) {
  auto normal = normalized_id(id);
  if (from == id_base::text || to == id_base::text) return normal;
  if (normal.empty() || normal.size() > id_characters_max) return std::nullopt;
  const unsigned base = base_of(from);
  if (std::any_of(normal.begin(), normal.end(), [base](char c) { return digit_value(c) >= base; })) return std::nullopt;
  if (from == to) return normal;
  return change_base(normal, base, base_of(to));
}

std::string format_hex_id(std::uint32_t number) {
  std::string text(8, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4) *at = digits[number & 0xF];
  return text;
}

std::string submit_key(std::string_view receipt_id, const id_profile& profile) {
  auto converted = convert_id(receipt_id, profile.receipt, profile.submit);
  return converted ? *std::move(converted) : normalized_id(receipt_id);
}

bool ids_match(std::string_view submit_id, std::string_view receipt_id, const id_profile& profile) {
  if (submit_id == receipt_id) return true;
  if (submit_id.empty() || receipt_id.empty()) return false;
  const auto submitted = normalized_id(submit_id);
  if (submitted == normalized_id(receipt_id)) return true;
  const auto converted = convert_id(receipt_id, profile.receipt, profile.submit);
  return converted && *converted == submitted;
}

}  // namespace msgkit::smpp
