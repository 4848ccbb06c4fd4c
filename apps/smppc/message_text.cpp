#include "smppc/message_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "common/log_line.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/text/time_format.hpp"
#include "msgkit/smpp/text/transliterate.hpp"

namespace msgkit::app {
namespace {

using smpp::charset;

struct named_charset {
  std::string_view name;
  charset value;
};
constexpr named_charset charsets[] = {
    {"gsm7", charset::gsm7},          {"latin1", charset::latin1},       {"ascii", charset::ascii},
    {"ucs2", charset::ucs2},          {"cyrillic", charset::cyrillic},   {"hebrew", charset::hebrew},
    {"shift_jis", charset::shift_jis}, {"iso_2022_jp", charset::iso_2022_jp}, {"euc_jp", charset::euc_jp},
    {"euc_kr", charset::euc_kr}};

// Decimal, or hexadecimal behind 0x.
template <class T>
bool parse_number(std::string_view text, T& value) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return ec == std::errc{} && end == text.data() + text.size();
}

bool method_of(std::string_view name, smpp::long_message_method& out) {
  using m = smpp::long_message_method;
  for (const auto& [n, value] :
       {std::pair{"udh8", m::udh8}, {"udh16", m::udh16}, {"sar", m::sar}, {"payload", m::payload}})
    if (name == n) return out = value, true;
  return false;
}

// Which coding, and with which octet it is sent.
std::string choose(const text_options& o, const std::string& text, smpp::text_coding& coding,
                   std::uint8_t& data_coding) {
  const auto cls = o.flash ? std::optional(smpp::message_class::flash) : std::nullopt;
  if (o.coding == "auto") {
    const auto choice = smpp::choose_coding(text, {.cls = cls});
    coding = choice.coding;
    data_coding = choice.data_coding;
    return {};
  }
  if (parse_number(o.coding, data_coding)) {
    coding.alphabet = smpp::classify(data_coding).alphabet;
    return {};
  }
  const auto* const named = std::ranges::find(charsets, o.coding, &named_charset::name);
  if (named == std::end(charsets))
    return fmt::format("--coding: {} is none of {} and no data_coding number", o.coding, coding_names());
  coding.alphabet = named->value;
  const auto octet = smpp::data_coding_for(coding.alphabet, cls);
  if (!octet) return fmt::format("--coding: {} has no data_coding{}", o.coding, o.flash ? " for --flash" : "");
  data_coding = *octet;
  return {};
}

}  // namespace

std::string coding_names() {
  std::string all = "auto";
  for (const auto& c : charsets) all += fmt::format(", {}", c.name);
  return all;
}

std::string encode_arguments(const text_options& o, encoded_text& out) {
  smpp::split_options split;
  if (!method_of(o.long_messages, split.method))
    return fmt::format("--long: {} is none of udh8, udh16, sar, payload", o.long_messages);
  split.reference = static_cast<std::uint16_t>(std::chrono::steady_clock::now().time_since_epoch().count() >> 10);
  if (!o.hex.empty()) {
    const auto octets = from_hex(o.hex);
    if (!octets) return fmt::format("--hex: bad digit at position {}", octets.error().offset);
    out.data_coding = 4;
    if (o.coding != "auto" && !parse_number(o.coding, out.data_coding))
      return fmt::format("--coding: with --hex a data_coding number 0..255, not {}", o.coding);
    auto cut = smpp::split_octets(*octets, {.alphabet = smpp::classify(out.data_coding).alphabet}, split);
    if (!cut) return "--hex: " + cut.error().code.message();
    out.message = std::move(*cut);
    return {};
  }
  const auto text = o.transliterate ? smpp::transliterate(o.text).text : o.text;
  smpp::text_coding coding;
  if (auto problem = choose(o, text, coding, out.data_coding); !problem.empty()) return problem;
  auto cut = smpp::split_text(text, coding, split);
  if (!cut) return fmt::format("--text: {} at octet {}", cut.error().code.message(), cut.error().offset);
  out.message = std::move(*cut);
  return {};
}

bool add_tlv_argument(smpp::tlv_builder& tlvs, std::string_view argument) {
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  const auto name = argument.substr(0, equals);
  std::uint16_t number = 0;
  if (!parse_number(name, number)) {
    for (std::uint32_t t = 0; t <= 0xFFFF && number == 0; ++t)
      if (const auto* known = smpp::find_tlv(static_cast<smpp::tag>(t)); known != nullptr && known->name == name)
        number = static_cast<std::uint16_t>(t);
    if (number == 0) return false;
  }
  const auto value = argument.substr(equals + 1);
  const auto t = static_cast<smpp::tag>(number);
  if (value.starts_with("text:")) return tlvs.add(t, as_bytes(value.substr(5))).has_value();
  const auto octets = from_hex(value);
  return octets && tlvs.add(t, *octets);
}

std::string add_tlv_arguments(smpp::tlv_builder& tlvs, const std::vector<std::string>& arguments) {
  for (const auto& a : arguments)
    if (!add_tlv_argument(tlvs, a)) return fmt::format("--tlv: {} is not TAG=HEX or TAG=text:TEXT", a);
  return {};
}

std::string time_argument(const std::string& text, std::string_view option, std::string& problem) {
  if (text.empty() || text.size() == 16) {
    if (!smpp::parse_time(text)) problem = fmt::format("{}: {} is not an SMPP time (YYMMDDhhmmsstnnp)", option, text);
    return text;
  }
  std::int64_t seconds = 0;
  if (!parse_number(text, seconds) || seconds < 1) {
    problem = fmt::format("{}: {} is neither a number of seconds nor an SMPP time", option, text);
    return {};
  }
  return smpp::format_relative(std::chrono::seconds(seconds));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

}  // namespace msgkit::app
