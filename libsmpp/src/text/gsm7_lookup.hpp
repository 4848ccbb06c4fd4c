// Lookup tables in both directions, built at compile time from gsm7_tables.hpp.
#pragma once

#include <array>
#include <cstdint>

#include "msgkit/smpp/text/gsm7.hpp"

namespace msgkit::smpp::gsm7_data {

constexpr std::uint8_t escape = 0x1B;
constexpr std::uint8_t no_code = 0xFF;
constexpr std::size_t language_count = 14;  // 0 is the default alphabet

// UTF-8 of one position; length 0 marks ESC and unassigned positions. Four octets, to be copied as one word.
struct glyph {
  char octets[3];
  std::uint8_t length;
};
using glyph_table = std::array<glyph, 128>;

struct reverse_entry {
  char16_t character = 0;
  std::uint8_t code = no_code;
};

// Character to position: direct below U+0100, sorted beyond.
struct reverse_table {
  std::array<std::uint8_t, 256> latin{};
  std::array<reverse_entry, 128> others{};
  std::size_t other_count = 0;

  std::uint8_t find(char32_t c) const noexcept { return c < 256 ? latin[c] : find_other(c); }
  std::uint8_t find_other(char32_t c) const noexcept;
};

struct alphabet_tables {
  std::array<char16_t, 128> characters{};
  glyph_table glyphs{};
  reverse_table reverse{};
};

// Languages without a table of their own (Spanish has no locking shift) and unknown numbers get the default table.
const alphabet_tables& locking_table(gsm7_language language) noexcept;
const alphabet_tables& shift_table(gsm7_language language) noexcept;

}  // namespace msgkit::smpp::gsm7_data
