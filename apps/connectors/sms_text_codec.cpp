#include "connectors/sms_text_codec.hpp"

#include "connectors/plain_text.hpp"
#include "connectors/sms_conversion.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/transliterate.hpp"

namespace msgkit::app {

std::optional<std::string> sms_text_codec::read(const engine::message_content& c) const {
  if (c.kind != engine::message_kind::sms || is_part(c)) return std::nullopt;
  auto text = to_plain_text(c);
  return text ? std::optional(std::move(text->text)) : std::nullopt;
}

bool sms_text_codec::write(engine::message_content& c, std::string_view utf8, engine::text_charset charset) const {
  const auto cls = smpp::classify(c.coding).cls;
  std::string similar;
  if (charset == engine::text_charset::gsm7) {
    if (auto t = smpp::transliterate(utf8); t.fits) utf8 = similar = std::move(t.text);
  }
  auto coding = smpp::choose_coding(utf8, {.cls = cls}).coding;
  if (charset == engine::text_charset::ucs2) coding = {.alphabet = smpp::charset::ucs2};
  const auto data_coding = smpp::data_coding_for(coding.alphabet, cls);
  auto octets = smpp::encode_text(utf8, coding);
  if (!data_coding || !octets || octets->size() > engine::body_octets_max) return false;
  c.body = *std::move(octets);
  c.coding = *data_coding;
  c.user_data_header = false;
  return true;
}

}  // namespace msgkit::app
