#include "msgkit/smpp/text/transliterate.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "msgkit/core/utf.hpp"
#include "transliterate_table.hpp"

namespace msgkit::smpp {
namespace {

constexpr bool by_character(const replacement_entry& a, const replacement_entry& b) {
  return a.character < b.character;
}
static_assert(std::is_sorted(std::begin(replacement_table), std::end(replacement_table), by_character));

constexpr char32_t small_c_cedilla = 0xE7;

// Decomposed accents: dropping the mark leaves the base letter, as the table does for composed ones.
constexpr bool is_combining_mark(char32_t c) { return c >= 0x0300 && c <= 0x036F; }

std::optional<std::string_view> replacement_for(char32_t c, const transliterate_options& options) {
  if (is_combining_mark(c)) return "";
  if (c == small_c_cedilla && !options.cedilla_as_capital) return "c";
  const auto* it = std::lower_bound(std::begin(replacement_table), std::end(replacement_table), c,
                                    [](const replacement_entry& e, char32_t wanted) { return e.character < wanted; });
  if (it == std::end(replacement_table) || it->character != c) return std::nullopt;
  return it->text;
}

}  // namespace

transliteration transliterate(std::string_view utf8, const transliterate_options& options) {
  transliteration out;
  out.text.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t start = i;
    bool ill_formed = false;
    const char32_t c = next_code_point(utf8, i, ill_formed);
    const auto original = utf8.substr(start, i - start);
    if (gsm7_septets(original, options.alphabet)) {
      out.text += original;
      continue;
    }
    const auto replacement = ill_formed ? std::nullopt : replacement_for(c, options);
    if (!replacement || !gsm7_septets(*replacement, options.alphabet)) return {false, std::string{utf8}, {}};
    out.text += *replacement;
    out.changes.push_back({start, c, *replacement});
  }
  out.fits = true;
  return out;
}

}  // namespace msgkit::smpp
