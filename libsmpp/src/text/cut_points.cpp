#include "cut_points.hpp"

#include <algorithm>

#include "gsm7_lookup.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::smpp {
namespace {

struct code_range {
  char32_t first;
  char32_t last;
};
// Code points that belong to the one before them (Unicode Grapheme_Extend and emoji modifiers, by whole ranges).
constexpr code_range extending[] = {
    {0x0300, 0x036F},   {0x0483, 0x0489},   {0x0591, 0x05BD},   {0x05BF, 0x05C7},   {0x0610, 0x061A},
    {0x064B, 0x065F},   {0x0670, 0x0670},   {0x06D6, 0x06DC},   {0x06DF, 0x06E4},   {0x06E7, 0x06E8},
    {0x06EA, 0x06ED},   {0x0E31, 0x0E31},   {0x0E34, 0x0E3A},   {0x0E47, 0x0E4E},   {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF},   {0x200C, 0x200D},   {0x20D0, 0x20FF},   {0x3099, 0x309A},   {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F},   {0x1F3FB, 0x1F3FF}, {0xE0020, 0xE007F}, {0xE0100, 0xE01EF},
};
// The Indic blocks 0900-0D7F are laid out alike; these are offsets within each block of 128.
constexpr code_range indic_extending[] = {{0x00, 0x03}, {0x3C, 0x3C}, {0x3E, 0x4F}, {0x51, 0x57}, {0x62, 0x63}};
constexpr char32_t indic_virama = 0x4D;
constexpr char32_t zero_width_joiner = 0x200D;

bool within(char32_t c, std::span<const code_range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [c](code_range r) { return c >= r.first && c <= r.last; });
}
bool is_indic(char32_t c) { return c >= 0x0900 && c < 0x0D80; }
bool extends(char32_t c) {
  if (c < 0x0300) return false;
  return is_indic(c) ? within(c & 0x7F, indic_extending) : within(c, extending);
}
bool is_regional_indicator(char32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }
bool joins_next(char32_t c) { return c == zero_width_joiner || (is_indic(c) && (c & 0x7F) == indic_virama); }

bool in_range(std::uint8_t v, int low, int high) { return v >= low && v <= high; }

std::size_t lead_octets(charset alphabet, std::uint8_t lead) {
  switch (alphabet) {
    case charset::shift_jis: return in_range(lead, 0x81, 0x9F) || in_range(lead, 0xE0, 0xFC) ? 2 : 1;
    case charset::euc_kr: return in_range(lead, 0x81, 0xFE) ? 2 : 1;
    case charset::euc_jp:
      if (lead == 0x8F) return 3;
      return lead == 0x8E || in_range(lead, 0xA1, 0xFE) ? 2 : 1;
    default: return 1;
  }
}

bool is_gsm7(charset c) { return c == charset::gsm7 || c == charset::gsm7_packed; }

bool one_octet_a_character(charset c) {
  return c == charset::octets || c == charset::ascii || c == charset::latin1 || c == charset::cyrillic ||
         c == charset::hebrew;
}

}  // namespace

std::size_t cut_points::character_octets(std::size_t at) const {
  const std::size_t left = octets_.size() - at;
  std::size_t wanted = 1;
  switch (coding_.alphabet) {
    case charset::gsm7:
    case charset::gsm7_packed: wanted = octets_[at] == gsm7_data::escape ? 2 : 1; break;
    case charset::ucs2: {
      const auto surrogate = [&](std::size_t i, std::uint8_t top) {
        return i + 1 < octets_.size() && (octets_[i] & 0xFC) == top;
      };
      wanted = surrogate(at, 0xD8) && surrogate(at + 2, 0xDC) ? 4 : 2;
      break;
    }
    case charset::utf8: {
      std::size_t end = at;
      bool ill_formed = false;
      next_code_point(as_text(octets_), end, ill_formed);
      wanted = end - at;
      break;
    }
    default: wanted = lead_octets(coding_.alphabet, octets_[at]); break;
  }
  return std::min(wanted, left);
}

// Only alphabets that have combining characters are asked.
char32_t cut_points::character_at(std::size_t at) const {
  if (coding_.alphabet == charset::utf8) {
    bool ill_formed = false;
    return next_code_point(as_text(octets_), at, ill_formed);
  }
  if (coding_.alphabet == charset::ucs2) {
    if (at + 1 >= octets_.size()) return 0;
    const char32_t unit = load_big<std::uint16_t>(&octets_[at]);
    if (character_octets(at) != 4) return unit;
    return 0x10000 + ((unit & 0x3FF) << 10) + (load_big<std::uint16_t>(&octets_[at + 2]) & 0x3FFu);
  }
  const bool escaped = octets_[at] == gsm7_data::escape && at + 1 < octets_.size();
  const std::size_t code = octets_[escaped ? at + 1 : at] & 0x7F;
  return escaped ? gsm7_data::shift_table(coding_.languages.single).characters[code]
                 : gsm7_data::locking_table(coding_.languages.locking).characters[code];
}

std::size_t cut_points::hard(std::size_t from, std::size_t limit) const {
  if (octets_.size() - from <= limit) return octets_.size();
  std::size_t end = from + limit;
  if (one_octet_a_character(coding_.alphabet)) return end;
  if (is_gsm7(coding_.alphabet)) {
    // A run of escapes pairs up from its start, so an odd one leaves its last escape waiting for what is behind the cut.
    std::size_t escapes = 0;
    while (end - escapes > from && octets_[end - escapes - 1] == gsm7_data::escape) ++escapes;
    return end - escapes % 2;
  }
  if (coding_.alphabet == charset::ucs2) {
    end -= limit % 2;
    return end > from && character_octets(end - 2) == 4 ? end - 2 : end;
  }
  end = from;
  for (;;) {
    const std::size_t next = end + character_octets(end);
    if (next - from > limit) return end;
    end = next;
  }
}

std::size_t cut_points::soft(std::size_t from, std::size_t hard_end) const {
  const auto a = coding_.alphabet;
  const bool gsm7 = is_gsm7(a);
  // The default alphabet has no combining characters, and neither have the single-octet and East Asian charsets.
  const bool may_combine = gsm7 ? coding_.languages != gsm7_alphabet{} : a == charset::ucs2 || a == charset::utf8;
  if (hard_end == octets_.size() || !may_combine) return hard_end;
  std::size_t best = from;
  std::size_t indicators = 0;  // regional indicators in a row before `at`: flags are pairs of them
  char32_t before = 0;
  for (std::size_t at = from; at <= hard_end; at += character_octets(at)) {
    const char32_t c = character_at(at);
    const bool halves_flag = is_regional_indicator(c) && indicators % 2 == 1;
    if (at > from && !extends(c) && !joins_next(before) && !halves_flag) best = at;
    indicators = is_regional_indicator(c) ? indicators + 1 : 0;
    before = c;
  }
  return best == from ? hard_end : best;
}

std::size_t cut_points::count(std::size_t from, std::size_t limit, std::size_t most) const {
  std::size_t parts = 0;
  while (from < octets_.size() && parts <= most) {
    const std::size_t end = hard(from, limit);
    if (end == from) return 0;
    from = end;
    ++parts;
  }
  return parts;
}

}  // namespace msgkit::smpp
