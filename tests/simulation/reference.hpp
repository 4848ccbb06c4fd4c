// Every simulated message says who it is in each of its parts: a capital letter and seven digits, repeated through the
// text with strokes between. The characters are the same in GSM 7-bit, Latin-1 and ASCII.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "support/random_source.hpp"

namespace msgkit::simulation {

constexpr std::size_t reference_length = 8;

inline std::string make_reference(char letter, std::size_t number) { return fmt::format("{}{:07}", letter, number); }

// Of a mail, which has a name for each of its recipients.
inline bool is_mail_reference(std::string_view reference) { return !reference.empty() && reference[0] >= 'S'; }

// At least `length` characters.
inline std::string text_for(std::string_view reference, std::size_t length) {
  std::string text;
  do text.append(reference).push_back('/');
  while (text.size() < length);
  return text;
}

// The length of a text that has to be cut, so that the last part is long enough to name the message, whichever way it is
// cut: parts hold 133, 134, 152 or 153 characters.
inline std::size_t long_length(test::random_source& random, std::size_t maximum) {
  constexpr std::size_t step = reference_length + 1;
  while (true) {
    const auto length = random.between(162 / step, maximum / step) * step;
    const bool good = std::ranges::all_of(std::array{133, 134, 152, 153}, [&](std::size_t part) {
      const auto rest = length % part;
      return rest == 0 || rest >= 2 * step;
    });
    if (good) return length;
  }
}

// The reference in a text or a part of one, whatever header stands before it; empty when there is none.
inline std::string reference_in(std::string_view text) {
  for (std::size_t at = text.find('/'); at != text.npos; at = text.find('/', at + 1)) {
    if (at < reference_length) continue;
    const auto word = text.substr(at - reference_length, reference_length);
    const bool good = word[0] >= 'A' && word[0] <= 'Z' &&
                      std::ranges::all_of(word.substr(1), [](char c) { return c >= '0' && c <= '9'; });
    if (good) return std::string(word);
  }
  return {};
}

}  // namespace msgkit::simulation
