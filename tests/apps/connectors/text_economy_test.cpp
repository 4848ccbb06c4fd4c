// National tables and transliteration, switched on for a peer: what is sent, what is read, what is counted.
#include "connectors/text_economy.hpp"

#include <gtest/gtest.h>

#include "connectors/plain_text.hpp"
#include "connectors/sms_conversion.hpp"
#include "connectors/sms_text_codec.hpp"
#include "msgkit/smpp/text/udh.hpp"

using namespace msgkit;
using namespace msgkit::app;

namespace {

constexpr wall_time now{std::chrono::milliseconds{1'790'000'000'000}};
const std::string turkish = "Şişli'de öğle yemeği: ığşçİ";

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

engine::content_ptr content(const std::string& text) {
  return from_plain_text(text, "client:alice", "46709", "46700000001");
}

sms_profile tables(std::string_view language = "turkish") { return {.economy = {.languages = language_bit(language)}}; }

// What a telephone makes of the parts.
std::string shown(const wire_parts& parts) {
  std::string out;
  for (const auto& p : parts.parts) {
    auto octets = p.octets;
    smpp::text_context context;
    if (p.has_udh) {
      const auto split = smpp::split_user_data(octets);
      EXPECT_TRUE(split);
      if (!split) return {};
      context = {.alphabet = split->header.languages(), .header_octets = split->header.size()};
      octets = split->body;
    }
    const auto text = smpp::decode_text(octets, smpp::classify(parts.data_coding).alphabet, context);
    EXPECT_TRUE(text);
    if (text) out += text->text;
  }
  return out;
}

}  // namespace

TEST(TextEconomy, NationalTablesAreUsedOnlyWhereThePeerHasThem) {
  const auto text = repeated(turkish, 5);  // 135 characters
  const auto plain = to_parts(*content(text), {}, 1);
  const auto national = to_parts(*content(text), tables(), 1);
  ASSERT_TRUE(plain && national);
  EXPECT_EQ(plain->data_coding, 8);
  EXPECT_EQ(plain->parts.size(), 3u);
  EXPECT_EQ(national->data_coding, 0);
  EXPECT_EQ(national->parts.size(), 1u);
  EXPECT_TRUE(national->parts[0].has_udh);
  EXPECT_EQ(shown(*national), text);
  EXPECT_EQ(to_parts(*content(text), tables("urdu"), 1)->data_coding, 8) << "another language's";
  EXPECT_EQ(to_parts(*content("plain"), tables(), 1)->parts[0].has_udh, false);
}

TEST(TextEconomy, LongTextsAreCutWithTheTablesInEachPart) {
  const auto text = repeated(turkish, 20);
  for (const auto method : {smpp::long_message_method::udh8, smpp::long_message_method::udh16,
                            smpp::long_message_method::sar, smpp::long_message_method::payload}) {
    auto peer = tables();
    peer.long_messages = method;
    const auto parts = to_parts(*content(text), peer, 7);
    ASSERT_TRUE(parts);
    EXPECT_EQ(shown(*parts), text);
    for (const auto& p : parts->parts) EXPECT_TRUE(p.has_udh) << "tables need a header in each part";
  }
}

TEST(TextEconomy, TransliterationMakesTextsFit) {
  const std::string text = "“Hola, mamá” — ¿qué tál?";
  EXPECT_EQ(to_parts(*content(text), {}, 1)->data_coding, 8);
  const auto parts = to_parts(*content(text), {.economy = {.transliterate = true}}, 1);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->data_coding, 0);
  EXPECT_EQ(shown(*parts), "\"Hola, mama\" - ¿qué tal?");
  // Into another alphabet of the peer too.
  const auto latin =
      to_parts(*content(text), {.default_charset = smpp::charset::latin1, .economy = {.transliterate = true}}, 1);
  EXPECT_EQ(latin->data_coding, 0);
  EXPECT_EQ(to_parts(*content("привет, 世界"), {.economy = {.transliterate = true}}, 1)->data_coding, 8)
      << "not all can be";
  EXPECT_EQ(to_plain_text(*content(text), true)->text, "\"Hola, mama\" - ¿qué tal?");
  EXPECT_TRUE(to_plain_text(*content(text), true)->is_gsm7);
}

TEST(TextEconomy, TablesComeBeforeTransliteration) {
  auto peer = tables();
  peer.economy.transliterate = true;
  EXPECT_EQ(shown(*to_parts(*content(turkish), peer, 1)), turkish);
}

TEST(TextEconomy, WhatAClientSendsIsCountedAsItGoesOn) {
  const auto text = repeated("á", 100);
  const auto as_is = from_plain_text(text, "client:a", "1", "2");
  const auto brief = from_plain_text(text, "client:a", "1", "2", true);
  EXPECT_EQ(as_is->body.size(), 200u) << "three parts of UCS-2";
  EXPECT_EQ(brief->coding, 0);
  EXPECT_EQ(brief->body.size(), 100u) << "one part";
  smpp::submit_sm m{.source_addr = "1", .destination_addr = "2", .data_coding = 8};
  m.short_message = as_text(as_is->body);
  const auto taken = to_content(m, "client:a", {.transliterate_sent = true}, now);
  ASSERT_TRUE(taken);
  EXPECT_EQ((*taken)->coding, 0);
  EXPECT_EQ((*taken)->body, brief->body);
}

TEST(TextEconomy, NationalHeadersOfAPeerAreRead) {
  const auto parts = to_parts(*content(turkish), tables(), 1);
  ASSERT_EQ(parts->parts.size(), 1u);
  smpp::deliver_sm m{.source_addr = "1", .destination_addr = "2", .esm_class = smpp::esm::udh_indicator};
  m.short_message = as_text(parts->parts[0].octets);
  const auto opaque = to_content(m, "carrier:a", {}, now);
  ASSERT_TRUE(opaque);
  EXPECT_TRUE((*opaque)->user_data_header) << "carried along as it came";
  EXPECT_EQ(to_plain_text(**opaque)->text, turkish) << "but shown";
  const auto read = to_content(m, "carrier:a", tables(), now);
  ASSERT_TRUE(read);
  EXPECT_FALSE((*read)->user_data_header);
  EXPECT_EQ((*read)->coding, 8);
  EXPECT_EQ(to_plain_text(**read)->text, turkish);
  EXPECT_EQ(extras_of(m, **read, tables(), true)->text, turkish) << "keywords are found in it";
}

TEST(TextEconomy, OtherHeadersStay) {
  smpp::udh_builder header;
  auto octets = *header.add(smpp::port_addresses{.destination = 5})
                     .add(smpp::gsm7_alphabet{.single = smpp::gsm7_language::turkish})
                     .octets();
  append(octets, as_bytes("abc"));
  smpp::deliver_sm m{.source_addr = "1", .destination_addr = "2", .esm_class = smpp::esm::udh_indicator};
  m.short_message = as_text(octets);
  const auto c = to_content(m, "carrier:a", tables(), now);
  ASSERT_TRUE(c);
  EXPECT_EQ((*c)->body, octets);
}

TEST(TextEconomy, RulesReadAndWriteTextsOfEveryAlphabet) {
  const sms_text_codec codec;
  auto c = *content(turkish);
  EXPECT_EQ(codec.read(c), turkish);
  ASSERT_TRUE(codec.write(c, "plain", engine::text_charset::as_needed));
  EXPECT_EQ(c.coding, 0);
  ASSERT_TRUE(codec.write(c, "“plain”", engine::text_charset::gsm7));
  EXPECT_EQ(codec.read(c), "\"plain\"");
  ASSERT_TRUE(codec.write(c, "plain", engine::text_charset::ucs2));
  EXPECT_EQ(c.coding, 8);
  c.coding = 0x10;  // flash
  c.body = {'x'};
  ASSERT_TRUE(codec.write(c, "y", engine::text_charset::as_needed));
  EXPECT_EQ(smpp::classify(c.coding).cls, smpp::message_class::flash);
  EXPECT_FALSE(codec.write(c, std::string(70'000, 'x'), engine::text_charset::as_needed));
  smpp::udh_builder header;
  auto part = *header.add(smpp::concatenation{.reference = 1, .total = 2, .sequence = 1}).octets();
  append(part, as_bytes("half"));
  c.body = part;
  c.coding = 0;
  c.user_data_header = true;
  EXPECT_EQ(codec.read(c), std::nullopt);
}
