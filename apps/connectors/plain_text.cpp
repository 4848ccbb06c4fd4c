#include "connectors/plain_text.hpp"

#include <algorithm>

#include "connectors/text_economy.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/udh.hpp"

namespace msgkit::app {
namespace {

// "+1 555" and "1555" as digits; other senders (short words) as they are.
std::string address_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return std::string(text);
}

engine::address typed(std::string value) {
  constexpr std::uint8_t international = 1, alphanumeric = 5, e164 = 1;
  const bool number = is_number(value);
  return {number ? international : alphanumeric, number ? e164 : std::uint8_t{0}, std::move(value)};
}

}  // namespace

bool is_number(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<plain_text> to_plain_text(const engine::message_content& c, bool transliterate) {
  const auto info = smpp::classify(c.coding);
  if (info.alphabet == smpp::charset::octets || info.compressed) return std::nullopt;
  bytes_view octets = c.body;
  smpp::text_context context;
  if (c.user_data_header) {
    const auto parts = smpp::split_user_data(octets);
    if (!parts) return std::nullopt;
    octets = parts->body;
    context = {.alphabet = parts->header.languages(), .header_octets = parts->header.size()};
  }
  auto decoded = smpp::decode_text(octets, info.alphabet, context);
  if (!decoded) return std::nullopt;
  if (transliterate)
    if (auto brief = shortened(decoded->text, {.transliterate = true})) decoded->text = std::move(brief->text);
  const bool is_gsm7 = smpp::choose_coding(decoded->text).coding.alphabet == smpp::charset::gsm7;
  return plain_text{std::move(decoded->text), is_gsm7};
}

engine::content_ptr from_plain_text(std::string_view utf8, std::string account, const std::string& from,
                                    const std::string& to, bool transliterate) {
  const auto brief = transliterate ? shortened(utf8, {.transliterate = true}) : std::nullopt;
  if (brief) utf8 = brief->text;
  auto c = std::make_shared<engine::message_content>();
  c->account = std::move(account);
  c->source = typed(address_of(from));
  c->destination = typed(address_of(to));
  const auto choice = smpp::choose_coding(utf8);
  if (auto octets = smpp::encode_text(utf8, choice.coding)) c->body = *std::move(octets);
  c->coding = choice.data_coding;
  return c;
}

}  // namespace msgkit::app
