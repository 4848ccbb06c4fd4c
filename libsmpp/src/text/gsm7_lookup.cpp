#include "gsm7_lookup.hpp"

#include <algorithm>
#include <span>

#include "gsm7_tables.hpp"

namespace msgkit::smpp::gsm7_data {
namespace {

using characters = std::array<char16_t, 128>;

constexpr characters with(characters base, std::span<const assignment> changes) {
  for (const auto& change : changes) base[change.code] = change.character;
  return base;
}

constexpr characters base_locking() {
  characters out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = default_alphabet[i];
  return out;
}

constexpr characters indic_locking(const locking_rows& rows) {
  characters out{};
  for (std::size_t code = 0; code < 0x30; ++code) out[code] = rows[code];
  for (std::size_t code = 0x30; code < 0x3C; ++code) out[code] = static_cast<char16_t>(code);
  for (std::size_t code = 0x3C; code < 0x61; ++code) out[code] = rows[48 + code - 0x3C];
  for (std::size_t code = 0x61; code < 0x7B; ++code) out[code] = static_cast<char16_t>(code);
  for (std::size_t code = 0x7B; code < 0x80; ++code) out[code] = rows[48 + 37 + code - 0x7B];
  return out;
}

constexpr characters indic_shift(std::span<const assignment> own) {
  characters out{};
  for (std::size_t code = 'A'; code <= 'Z'; ++code) out[code] = static_cast<char16_t>(code);
  return with(with(out, indic_shift_common), own);
}

constexpr glyph make_glyph(char16_t c) {
  const auto octet = [](unsigned v) { return static_cast<char>(v); };
  if (c == 0) return {{}, 0};
  if (c < 0x80) return {{octet(c), 0, 0}, 1};
  if (c < 0x800) return {{octet(0xC0u | c >> 6), octet(0x80u | (c & 0x3Fu)), 0}, 2};
  return {{octet(0xE0u | c >> 12), octet(0x80u | (c >> 6 & 0x3Fu)), octet(0x80u | (c & 0x3Fu))}, 3};
}

constexpr reverse_table make_reverse(const characters& table) {
  reverse_table out{};
  out.latin.fill(no_code);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const char16_t c = table[i];
    if (c == 0) continue;
    const auto code = static_cast<std::uint8_t>(i);
    // A character listed twice is written by its first position.
    if (c < 256) {
      if (out.latin[c] == no_code) out.latin[c] = code;
    } else {
      out.others[out.other_count++] = {c, code};
    }
  }
  std::sort(out.others.begin(), out.others.begin() + static_cast<std::ptrdiff_t>(out.other_count),
            [](const reverse_entry& a, const reverse_entry& b) { return a.character < b.character; });
  return out;
}

constexpr alphabet_tables make_tables(const characters& table) {
  alphabet_tables out{table, {}, make_reverse(table)};
  for (std::size_t i = 0; i < table.size(); ++i) out.glyphs[i] = make_glyph(table[i]);
  return out;
}

constexpr std::array<alphabet_tables, language_count> locking = {
    make_tables(base_locking()),
    make_tables(with(base_locking(), turkish_locking)),
    make_tables(base_locking()),
    make_tables(with(base_locking(), portuguese_locking)),
    make_tables(indic_locking(bengali_locking)),
    make_tables(indic_locking(gujarati_locking)),
    make_tables(indic_locking(hindi_locking)),
    make_tables(indic_locking(kannada_locking)),
    make_tables(indic_locking(malayalam_locking)),
    make_tables(indic_locking(oriya_locking)),
    make_tables(indic_locking(punjabi_locking)),
    make_tables(indic_locking(tamil_locking)),
    make_tables(indic_locking(telugu_locking)),
    make_tables(indic_locking(urdu_locking)),
};

constexpr std::array<alphabet_tables, language_count> shift = {
    make_tables(with({}, default_extension)),
    make_tables(with({}, turkish_shift)),
    make_tables(with({}, spanish_shift)),
    make_tables(with({}, portuguese_shift)),
    make_tables(indic_shift(bengali_shift)),
    make_tables(indic_shift(gujarati_shift)),
    make_tables(indic_shift(hindi_shift)),
    make_tables(indic_shift(kannada_shift)),
    make_tables(indic_shift(malayalam_shift)),
    make_tables(indic_shift(oriya_shift)),
    make_tables(indic_shift(punjabi_shift)),
    make_tables(indic_shift(tamil_shift)),
    make_tables(indic_shift(telugu_shift)),
    make_tables(indic_shift(urdu_shift)),
};

constexpr bool control_positions_are_fixed() {
  for (const auto& t : locking) {
    if (t.characters[0x0A] != u'\n' || t.characters[0x0D] != u'\r' || t.characters[escape] != 0) return false;
  }
  for (const auto& t : shift) {
    if (t.characters[0x0D] != 0 || t.characters[escape] != 0) return false;
  }
  return true;
}
static_assert(control_positions_are_fixed());

constexpr std::size_t index_of(gsm7_language language) {
  const auto i = static_cast<std::size_t>(language);
  return i < language_count ? i : 0;
}

}  // namespace

std::uint8_t reverse_table::find_other(char32_t c) const noexcept {
  const auto end = others.begin() + static_cast<std::ptrdiff_t>(other_count);
  const auto it = std::lower_bound(others.begin(), end, c,
                                   [](const reverse_entry& e, char32_t wanted) { return e.character < wanted; });
  return it != end && it->character == c ? it->code : no_code;
}

const alphabet_tables& locking_table(gsm7_language language) noexcept { return locking[index_of(language)]; }
const alphabet_tables& shift_table(gsm7_language language) noexcept { return shift[index_of(language)]; }

}  // namespace msgkit::smpp::gsm7_data
