#include <algorithm>

#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace msgkit::smpp {
namespace {

constexpr std::size_t concatenation_octets = 5;  // IEI, length, three octets of data

// What the text would need outside GSM 7-bit.
struct measure {
  std::size_t characters = 0;
  std::size_t utf16_units = 0;
  char32_t highest = 0;
  bool ill_formed = false;
};

measure measure_text(std::string_view utf8) {
  measure m;
  for (std::size_t i = 0; i < utf8.size();) {
    const char32_t c = next_code_point(utf8, i, m.ill_formed);
    ++m.characters;
    m.utf16_units += c > 0xFFFF ? 2 : 1;
    m.highest = std::max(m.highest, c);
  }
  return m;
}

std::size_t parts_needed(charset alphabet, std::size_t units, std::size_t elements_octets) {
  const std::size_t header = elements_octets == 0 ? 0 : elements_octets + 1;
  if (units <= part_capacity(alphabet, header)) return 1;
  const std::size_t capacity = part_capacity(alphabet, 1 + elements_octets + concatenation_octets);
  return (units + capacity - 1) / capacity;
}

// Keeps whichever candidate needs fewer short messages; the first of equals stays.
class best_choice {
 public:
  explicit best_choice(const choose_options& options) : options_(options) {}

  void offer(const text_coding& coding, std::size_t units) {
    const std::size_t elements = (coding.languages.locking != gsm7_language::none ? 3u : 0u) +
                                 (coding.languages.single != gsm7_language::none ? 3u : 0u);
    const std::size_t parts = parts_needed(coding.alphabet, units, elements);
    if (found_ && parts >= parts_) return;
    const auto octet = data_coding_for(coding.alphabet, options_.cls, options_.profile);
    if (!octet) return;
    best_ = {coding, *octet, units};
    parts_ = parts;
    found_ = true;
  }
  bool found() const { return found_; }
  const coding_choice& get() const { return best_; }

 private:
  const choose_options& options_;
  coding_choice best_{};
  std::size_t parts_ = 0;
  bool found_ = false;
};

void offer_default(best_choice& best, std::string_view utf8, const choose_options& options) {
  const charset alphabet = options.profile.default_charset;
  if (alphabet == charset::gsm7 || alphabet == charset::gsm7_packed || options.cls) {
    const charset gsm7 = alphabet == charset::gsm7_packed ? alphabet : charset::gsm7;
    if (const auto septets = gsm7_septets(utf8)) best.offer({gsm7, {}}, *septets);
    return;
  }
  if (alphabet == charset::octets) return;
  if (const auto octets = encode_text(utf8, {alphabet, {}})) {
    best.offer({alphabet, {}}, octets->size() / (alphabet == charset::ucs2 ? 2 : 1));
  }
}

void offer_languages(best_choice& best, std::string_view utf8, const choose_options& options) {
  const charset gsm7 =
      options.profile.default_charset == charset::gsm7_packed ? charset::gsm7_packed : charset::gsm7;
  for (std::uint8_t number = 1; number <= gsm7_language_last; ++number) {
    if ((options.languages >> number & 1) == 0) continue;
    const auto language = static_cast<gsm7_language>(number);
    const gsm7_language none = gsm7_language::none;
    for (const gsm7_alphabet a : {gsm7_alphabet{none, language}, {language, none}, {language, language}}) {
      if (a.locking != none && !has_locking_table(language)) continue;
      if (const auto septets = gsm7_septets(utf8, a)) best.offer({gsm7, a}, *septets);
    }
  }
}

}  // namespace

coding_choice choose_coding(std::string_view utf8, const choose_options& options) {
  best_choice best{options};
  offer_default(best, utf8, options);
  if (best.found()) return best.get();
  const auto m = measure_text(utf8);
  if (options.national_languages && !m.ill_formed) offer_languages(best, utf8, options);
  if (options.latin1 && m.highest < 0x100 && !m.ill_formed) best.offer({charset::latin1, {}}, m.characters);
  best.offer({charset::ucs2, {}}, m.utf16_units);
  return best.get();
}

}  // namespace msgkit::smpp
