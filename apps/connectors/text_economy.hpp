// Texts beyond the default alphabet written in fewer short messages than UCS-2 takes: with the tables of national
// languages, or with similar characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "msgkit/smpp/text/data_coding.hpp"

namespace msgkit::app {

struct text_economy {
  std::uint16_t languages = 0;  // whose tables may be used, bits 1 << smpp::gsm7_language; 0: none
  bool transliterate =
      false;  // where no table does: similar characters of the default alphabet, if all can be replaced
  [[nodiscard]] bool any() const noexcept { return languages != 0 || transliterate; }
  friend bool operator==(const text_economy&, const text_economy&) = default;
};

struct short_text {
  std::string text;            // UTF-8; another one after transliteration
  smpp::text_coding coding{};  // of GSM 7-bit
  std::uint8_t data_coding = 0;
};
// Nothing when the text stays as it is: it fits the default alphabet anyway, or UCS-2 is as short.
std::optional<short_text> shortened(std::string_view utf8, const text_economy& how,
                                    std::optional<smpp::message_class> cls = {});

// "turkish" as a bit of text_economy::languages; 0 for what is no language with a table.
std::uint16_t language_bit(std::string_view name) noexcept;
// All of their names, for messages to people.
std::string language_names();

}  // namespace msgkit::app
