#include "msgkit/core/utf.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace msgkit {
namespace {

constexpr bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }
constexpr bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

struct lead {
  std::size_t length;  // 0: not a lead octet
  char32_t bits;
  unsigned char second_min;
  unsigned char second_max;
};

// Table 3-7 of the Unicode standard: which second octets keep a sequence well-formed.
constexpr lead classify(unsigned char c) {
  if (c < 0x80) return {1, c, 0, 0};
  if (c < 0xC2) return {0, 0, 0, 0};
  if (c < 0xE0) return {2, static_cast<char32_t>(c & 0x1F), 0x80, 0xBF};
  if (c < 0xF0) {
    const unsigned char low = c == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = c == 0xED ? 0x9F : 0xBF;
    return {3, static_cast<char32_t>(c & 0x0F), low, high};
  }
  if (c < 0xF5) {
    const unsigned char low = c == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = c == 0xF4 ? 0x8F : 0xBF;
    return {4, static_cast<char32_t>(c & 0x07), low, high};
  }
  return {0, 0, 0, 0};
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& i, bool& ill_formed) noexcept {
  const auto first = classify(static_cast<unsigned char>(text[i]));
  ++i;
  if (first.length == 1) return first.bits;
  if (first.length == 0) {
    ill_formed = true;
    return replacement_character;
  }
  char32_t value = first.bits;
  for (std::size_t k = 1; k < first.length; ++k) {
    const auto octet = i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    const unsigned char low = k == 1 ? first.second_min : 0x80;
    const unsigned char high = k == 1 ? first.second_max : 0xBF;
    if (octet < low || octet > high) {
      ill_formed = true;
      return replacement_character;
    }
    value = value << 6 | (octet & 0x3F);
    ++i;
  }
  return value;
}

void append_utf8(std::string& out, char32_t c) {
  if (is_surrogate(c) || c > 0x10FFFF) c = replacement_character;
  const auto put = [&out](char32_t octet) { out.push_back(static_cast<char>(octet)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::size_t ascii_prefix(std::string_view text) noexcept {
  std::size_t i = 0;
  for (std::array<std::uint64_t, 4> block{}; i + sizeof block <= text.size(); i += sizeof block) {
    std::memcpy(block.data(), text.data() + i, sizeof block);
    if (((block[0] | block[1] | block[2] | block[3]) & 0x8080808080808080U) != 0) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

bool is_valid_utf8(std::string_view text) noexcept {
  bool ill_formed = false;
  for (std::size_t i = ascii_prefix(text); i < text.size() && !ill_formed;) {
    next_code_point(text, i, ill_formed);
    i += ascii_prefix(text.substr(i));
  }
  return !ill_formed;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  bool ill_formed = false;
  for (std::size_t i = 0; i < text.size(); ++count) next_code_point(text, i, ill_formed);
  return count;
}

std::u32string to_code_points(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  bool ill_formed = false;
  for (std::size_t i = 0; i < utf8.size();) out.push_back(next_code_point(utf8, i, ill_formed));
  return out;
}

std::string repaired_utf8(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  bool ill_formed = false;
  for (std::size_t i = 0; i < text.size();) append_utf8(out, next_code_point(text, i, ill_formed));
  return out;
}

byte_vector utf8_to_utf16be(std::string_view utf8) {
  byte_vector out;
  out.reserve(utf8.size() * 2);
  bool ill_formed = false;
  for (std::size_t i = 0; i < utf8.size();) {
    const char32_t c = next_code_point(utf8, i, ill_formed);
    if (c >= 0x10000) {
      append_big(out, static_cast<std::uint16_t>(0xD800 + ((c - 0x10000) >> 10)));
      append_big(out, static_cast<std::uint16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    } else {
      append_big(out, static_cast<std::uint16_t>(c));
    }
  }
  return out;
}

std::string utf16be_to_utf8(bytes_view octets, bool* irregular) {
  std::string out;
  bool odd = octets.size() % 2 != 0;
  std::size_t i = 0;
  while (i + 1 < octets.size()) {
    char32_t c = load_big<std::uint16_t>(&octets[i]);
    i += 2;
    if (is_high_surrogate(c) && i + 1 < octets.size()) {
      const char32_t low = load_big<std::uint16_t>(&octets[i]);
      if (is_low_surrogate(low)) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    }
    odd = odd || is_surrogate(c);
    append_utf8(out, c);
  }
  if (irregular != nullptr && odd) *irregular = true;
  return out;
}

std::string latin1_to_utf8(bytes_view octets) {
  std::string out;
  out.reserve(octets.size());
  for (const auto octet : octets) append_utf8(out, octet);
  return out;
}

}  // namespace msgkit
