#include "connectors/text_economy.hpp"

#include "msgkit/smpp/text/transliterate.hpp"

namespace msgkit::app {

std::optional<short_text> shortened(std::string_view utf8, const text_economy& how,
                                    std::optional<smpp::message_class> cls) {
  if (!how.any()) return std::nullopt;
  const auto choice =
      smpp::choose_coding(utf8, {.cls = cls, .national_languages = how.languages != 0, .languages = how.languages});
  if (choice.coding.alphabet == smpp::charset::gsm7) {
    if (choice.coding.languages == smpp::gsm7_alphabet{}) return std::nullopt;
    return short_text{std::string(utf8), choice.coding, choice.data_coding};
  }
  if (!how.transliterate) return std::nullopt;
  auto similar = smpp::transliterate(utf8);
  const auto data_coding = smpp::data_coding_for(smpp::charset::gsm7, cls);
  if (!similar.fits || !data_coding) return std::nullopt;
  return short_text{std::move(similar.text), {}, *data_coding};
}

std::uint16_t language_bit(std::string_view name) noexcept {
  for (std::uint8_t i = 1; i <= smpp::gsm7_language_last; ++i)
    if (to_string(static_cast<smpp::gsm7_language>(i)) == name) return static_cast<std::uint16_t>(1u << i);
  return 0;
}

std::string language_names() {
  std::string out;
  for (std::uint8_t i = 1; i <= smpp::gsm7_language_last; ++i)
    out.append(i == 1 ? "" : ", ").append(to_string(static_cast<smpp::gsm7_language>(i)));
  return out;
}

}  // namespace msgkit::app
