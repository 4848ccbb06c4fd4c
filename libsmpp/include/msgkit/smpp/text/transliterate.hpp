// Opt-in "smart" replacement of characters that GSM 7-bit lacks: typographic quotes and dashes, odd spaces, accents,
// Greek. Replaces only what has no place in the alphabet, and only when all of the text then fits; otherwise the text
// stays as it is and belongs into UCS-2. Pure and thread-safe.
//
//   auto t = smpp::transliterate("\u201cHola, mam\u00e1\u201d");         // "Hola, mama" in straight quotes, 3 changes
//   send(t.fits ? t.text : original);
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/smpp/text/gsm7.hpp"

namespace msgkit::smpp {

struct transliterate_options {
  gsm7_alphabet alphabet{};
  bool cedilla_as_capital = true;  // c with cedilla becomes the capital one, which GSM has; false: plain c
};

struct transliteration_change {
  std::size_t offset = 0;       // octet in the original text
  char32_t character = 0;       // what stood there
  std::string_view replacement; // static; empty when it was dropped
  friend bool operator==(const transliteration_change&, const transliteration_change&) = default;
};

struct transliteration {
  bool fits = false;      // `text` is representable; false: `text` is the original and `changes` is empty
  std::string text;       // UTF-8
  std::vector<transliteration_change> changes;
};

transliteration transliterate(std::string_view utf8, const transliterate_options& options = {});

}  // namespace msgkit::smpp
