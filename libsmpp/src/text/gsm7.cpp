#include "msgkit/smpp/text/gsm7.hpp"

#include <algorithm>
#include <array>

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

// Septets gather in a block on the stack, so that the vector grows by blocks instead of by octets.
class septet_writer {
 public:
  explicit septet_writer(byte_vector& out) : out_(out) {}
  void put(std::uint8_t septet) {
    if (used_ == block_.size()) flush();
    block_[used_++] = septet;
  }
  void flush() {
    append(out_, bytes_view{block_.data(), used_});
    used_ = 0;
  }

 private:
  byte_vector& out_;
  std::array<std::uint8_t, 512> block_;
  std::size_t used_ = 0;
};

// Walks `utf8`, calling put(septet) for each septet and missing(offset) for each character without a place.
// missing returns false to stop.
template <class Put, class Missing>
void walk(std::string_view utf8, gsm7_alphabet alphabet, Put&& put, Missing&& missing) {
  const auto& basic = gsm7_data::locking_table(alphabet.locking).reverse;
  const auto& extension = gsm7_data::shift_table(alphabet.single).reverse;
  std::size_t i = 0;
  while (i < utf8.size()) {
    const std::size_t start = i;
    const auto octet = static_cast<unsigned char>(utf8[i]);
    char32_t c = octet;
    bool ill_formed = false;
    if (octet < 0x80) {
      ++i;
    } else {
      c = next_code_point(utf8, i, ill_formed);
    }
    if (const auto code = basic.find(c); code != no_code) [[likely]] {
      put(code);
      continue;
    }
    if (const auto code = extension.find(c); code != no_code && !ill_formed) {
      put(escape);
      put(code);
    } else if (!missing(start)) {
      return;
    }
  }
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
  std::size_t count = 0;
  bool fits = true;
  walk(utf8, alphabet, [&](std::uint8_t) { ++count; }, [&](std::size_t) { return fits = false; });
  return fits ? std::optional(count) : std::nullopt;
}

result<void> gsm7_encode(std::string_view utf8, gsm7_alphabet alphabet, byte_vector& out) {
  const std::size_t before = out.size();
  std::optional<std::size_t> bad;
  septet_writer writer{out};
  walk(utf8, alphabet, [&](std::uint8_t septet) { writer.put(septet); },
       [&](std::size_t offset) {
         bad = offset;
         return false;
       });
  if (bad) {
    out.resize(before);
    return fault{make_error_code(text_errc::not_representable), "text", *bad};
  }
  writer.flush();
  return {};
}

std::size_t gsm7_encode_lossy(std::string_view utf8, gsm7_alphabet alphabet, byte_vector& out) {
  std::size_t replaced = 0;
  septet_writer writer{out};
  walk(utf8, alphabet, [&](std::uint8_t septet) { writer.put(septet); },
       [&](std::size_t) {
         writer.put('?');  // 3F in every table
         ++replaced;
         return true;
       });
  writer.flush();
  return replaced;
}

bool gsm7_decode(bytes_view septets, gsm7_alphabet alphabet, std::string& out) {
  const auto& basic = gsm7_data::locking_table(alphabet.locking).glyphs;
  const auto& extension = gsm7_data::shift_table(alphabet.single).glyphs;
  bool irregular = table_missing(alphabet);
  std::array<char, 3 * 256> block;
  std::size_t i = 0;
  while (i < septets.size()) {
    std::size_t used = 0;
    const std::size_t block_end = std::min(septets.size(), i + 256);
    for (; i < block_end && septets[i] < 0x80; ++i) {
      const auto& g = basic[septets[i]];
      if (g.length == 0) break;
      std::copy_n(g.octets, 3, &block[used]);  // always three: cheaper than asking how many
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
