#include "msgkit/core/hex.hpp"

#include <fmt/format.h>

#include "msgkit/core/error.hpp"

namespace msgkit {
namespace {

constexpr char digits[] = "0123456789abcdef";

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_separator(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ':' || c == '-'; }

}  // namespace

void append_hex(std::string& out, bytes_view octets) {
  out.reserve(out.size() + octets.size() * 2);
  for (const auto octet : octets) {
    out.push_back(digits[octet >> 4]);
    out.push_back(digits[octet & 15]);
  }
}

std::string to_hex(bytes_view octets) {
  std::string out;
  append_hex(out, octets);
  return out;
}

result<byte_vector> from_hex(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && is_separator(text[i])) ++i;
  if (text.substr(i).starts_with("0x") || text.substr(i).starts_with("0X")) i += 2;
  byte_vector out;
  out.reserve(text.size() / 2);
  for (; i < text.size(); ++i) {
    if (is_separator(text[i])) continue;
    const int high = digit_value(text[i]);
    const int low = i + 1 < text.size() ? digit_value(text[i + 1]) : -1;
    if (high < 0 || low < 0) return fault{make_error_code(errc::invalid_hex), "hex", high < 0 ? i : i + 1};
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
    ++i;
  }
  return out;
}

std::string hex_dump(bytes_view octets) {
  constexpr std::size_t columns = 16;
  std::string out;
  for (std::size_t row = 0; row < octets.size(); row += columns) {
    const auto line = octets.subspan(row, std::min(columns, octets.size() - row));
    out += fmt::format("{:06x} ", row);
    for (std::size_t i = 0; i < columns; ++i) out += i < line.size() ? fmt::format(" {:02x}", line[i]) : "   ";
    out += "  ";
    for (const auto octet : line) out.push_back(octet >= 0x20 && octet < 0x7f ? static_cast<char>(octet) : '.');
    out.push_back('\n');
  }
  return out;
}

}  // namespace msgkit
