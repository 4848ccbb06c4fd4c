#include "msgkit/smpp/text/gsm7.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "gsm7_lookup.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

using gsm7_data::escape;
using gsm7_data::no_code;

constexpr std::string_view language_names[] = {
    "none",   "turkish",   "spanish", "portuguese", "bengali", "gujarati", "hindi",
    "kannada", "malayalam", "oriya",   "punjabi",    "tamil",   "telugu",   "urdu"};
static_assert(std::size(language_names) == gsm7_data::language_count);

constexpr std::size_t block_octets = 512;

enum class on_missing { stop, question_mark };
struct walk_result {
  std::size_t septets = 0;
  std::size_t missing = 0;         // characters without a place
  std::size_t missing_offset = 0;  // of the first one, in the UTF-8 text
};

// Walks `utf8` and hands out septets in blocks on the stack, so that a block costs one call and a character one lookup.
template <class Sink>
walk_result walk(std::string_view utf8, gsm7_alphabet alphabet, on_missing policy, Sink&& sink) {
  const auto& basic = gsm7_data::locking_table(alphabet.locking).reverse;
  const auto& extension = gsm7_data::shift_table(alphabet.single).reverse;
  walk_result out;
  std::array<std::uint8_t, block_octets> block;
  std::size_t used = 0;
  const auto flush = [&] {
    sink(bytes_view{block.data(), used});
    out.septets += used;
    used = 0;
  };
  for (std::size_t i = 0; i < utf8.size();) {
    // Plain characters need no decoding and take one septet: as many as the block surely holds.
    const std::size_t run_end = std::min(utf8.size(), i + (block_octets - used));
    for (; i < run_end; ++i) {
      const auto octet = static_cast<unsigned char>(utf8[i]);
      const auto code = basic.latin[octet & 0x7F];
      if (((octet | code) & 0x80) != 0) break;
      block[used++] = code;
    }
    if (used + 2 > block_octets) flush();
    if (i == run_end) continue;
    const std::size_t start = i;
    bool ill_formed = false;
    const char32_t c = next_code_point(utf8, i, ill_formed);
    const auto code = basic.find(c);
    const auto escaped = code == no_code ? extension.find(c) : no_code;
    if (code != no_code) {
      block[used++] = code;
    } else if (escaped != no_code && !ill_formed) {
      block[used++] = escape;
      block[used++] = escaped;
    } else {
      if (out.missing++ == 0) out.missing_offset = start;
      if (policy == on_missing::stop) return out;
      block[used++] = '?';  // 3F in every table
    }
  }
  flush();
  return out;
}

void put_decoded(std::string& out, const gsm7_data::glyph& g) { out.append(g.octets, g.length); }

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool table_missing(gsm7_alphabet a) {
  const auto unknown = [](gsm7_language l) { return static_cast<std::uint8_t>(l) > gsm7_language_last; };
  return unknown(a.single) || (a.locking != gsm7_language::none && !has_locking_table(a.locking));
}

// Decodes the irregular or escaped position at `i` and returns how many octets it took.
std::size_t decode_special(bytes_view septets, std::size_t i, const gsm7_data::glyph_table& basic,
                           const gsm7_data::glyph_table& extension, std::string& out, bool& irregular) {
  const std::uint8_t octet = septets[i];
  if (octet >= 0x80) {
    irregular = true;
    out.append(replacement);
    return 1;
  }
  const bool lone = octet != escape || i + 1 == septets.size() || septets[i + 1] >= 0x80;
  if (lone) {  // unassigned position, or ESC with nothing to escape
    irregular = true;
    out.push_back(' ');
    return 1;
  }
  const std::uint8_t escaped = septets[i + 1];
  const auto& g = extension[escaped];
  if (g.length != 0) {
    put_decoded(out, g);
    return 2;
  }
  irregular = true;
  if (basic[escaped].length != 0) put_decoded(out, basic[escaped]);
  else out.push_back(' ');
  return 2;
}

}  // namespace

std::string_view to_string(gsm7_language language) noexcept {
  const auto i = static_cast<std::size_t>(language);
  return i < std::size(language_names) ? language_names[i] : "unknown";
}

std::optional<std::size_t> gsm7_septets(std::string_view utf8, gsm7_alphabet alphabet) noexcept {
  const auto done = walk(utf8, alphabet, on_missing::stop, [](bytes_view) {});
  return done.missing == 0 ? std::optional(done.septets) : std::nullopt;
}

result<void> gsm7_encode(std::string_view utf8, gsm7_alphabet alphabet, byte_vector& out) {
  const std::size_t before = out.size();
  const auto done = walk(utf8, alphabet, on_missing::stop, [&](bytes_view block) { append(out, block); });
  if (done.missing == 0) return {};
  out.resize(before);
  return fault{make_error_code(text_errc::not_representable), "text", done.missing_offset};
}

std::size_t gsm7_encode_lossy(std::string_view utf8, gsm7_alphabet alphabet, byte_vector& out) {
  return walk(utf8, alphabet, on_missing::question_mark, [&](bytes_view block) { append(out, block); }).missing;
}

bool gsm7_decode(bytes_view septets, gsm7_alphabet alphabet, std::string& out) {
  const auto& basic = gsm7_data::locking_table(alphabet.locking).glyphs;
  const auto& extension = gsm7_data::shift_table(alphabet.single).glyphs;
  bool irregular = table_missing(alphabet);
  constexpr std::size_t run = 256;
  std::array<char, 3 * run + 1> block;
  std::size_t i = 0;
  while (i < septets.size()) {
    std::size_t used = 0;
    const std::size_t block_end = std::min(septets.size(), i + run);
    for (; i < block_end && septets[i] < 0x80; ++i) {
      const auto& g = basic[septets[i]];
      if (g.length == 0) break;
      std::memcpy(&block[used], &g, sizeof g);  // the whole word: cheaper than asking how many octets count
      used += g.length;
    }
    out.append(block.data(), used);
    if (i < block_end) i += decode_special(septets, i, basic, extension, out, irregular);
  }
  return irregular;
}

gsm7_text gsm7_decode(bytes_view septets, gsm7_alphabet alphabet) {
  gsm7_text out;
  out.text.reserve(septets.size() + 16);
  out.irregular = gsm7_decode(septets, alphabet, out.text);
  return out;
}

}  // namespace msgkit::smpp
