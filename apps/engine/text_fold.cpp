#include "engine/text_fold.hpp"

#include "msgkit/core/utf.hpp"

namespace msgkit::engine {
namespace {

constexpr char32_t lower(char32_t c) noexcept {
  const auto within = [c](char32_t from, char32_t to) { return c >= from && c <= to; };
  if (within('A', 'Z') || (within(0xC0, 0xDE) && c != 0xD7) || within(0x391, 0x3A9) || within(0x410, 0x42F)) return c + 32;
  if (within(0x400, 0x40F)) return c + 80;
  // Latin Extended-A and Cyrillic pairs; some ranges have the capital at odd values.
  if (within(0x100, 0x137) || within(0x14A, 0x177) || within(0x460, 0x481) || within(0x48A, 0x4BF)) return c | 1;
  if ((within(0x139, 0x148) || within(0x179, 0x17E)) && c % 2 == 1) return c + 1;
  return c;
}

constexpr bool is_space(char32_t c) noexcept { return c <= ' ' || c == 0xA0 || (c >= 0x2000 && c <= 0x200B) || c == 0xFEFF; }
constexpr bool is_punctuation(char32_t c) noexcept {
  constexpr std::u32string_view marks = U".,;:!?\"'`()[]<>-_*#/\u00A1\u00BF\u2018\u2019\u201C\u201D\u2026";
  return marks.find(c) != std::u32string_view::npos;
}

}  // namespace

std::string fold_text(std::string_view utf8, std::size_t octets_max) {
  utf8 = utf8.substr(0, octets_max);
  std::u32string out;
  bool ill_formed = false;
  for (std::size_t i = 0; i < utf8.size();) {
    const char32_t c = next_code_point(utf8, i, ill_formed);
    if (!is_space(c)) out.push_back(lower(c));
    else if (!out.empty() && out.back() != ' ') out.push_back(' ');
  }
  const auto is_edge = [](char32_t c) { return c == ' ' || is_punctuation(c); };
  while (!out.empty() && is_edge(out.back())) out.pop_back();
  std::size_t first = 0;
  while (first < out.size() && is_edge(out[first])) ++first;
  std::string folded;
  for (; first < out.size(); ++first) append_utf8(folded, out[first]);
  return folded;
}

std::string fold_word(std::string_view utf8, std::size_t octets_max) {
  auto text = fold_text(utf8);
  if (const auto space = text.find(' '); space != std::string::npos) text.resize(space);
  if (text.size() > octets_max) return {};  // no keyword is that long
  return fold_text(text);                   // "stop, please": the comma was inside
}

}  // namespace msgkit::engine
