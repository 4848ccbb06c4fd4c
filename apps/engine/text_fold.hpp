// Texts as people type them on a telephone, brought to one form for comparison: lower case, one space between words, none
// at the ends, no punctuation at the ends.
#pragma once

#include <string>
#include <string_view>

namespace msgkit::engine {

// Latin, Greek and Cyrillic letters; anything else stays as it is. Reads at most `octets_max` octets.
std::string fold_text(std::string_view utf8, std::size_t octets_max = 160);
// The first word of that, at most `octets_max` octets.
std::string fold_word(std::string_view utf8, std::size_t octets_max = 32);

}  // namespace msgkit::engine
