#include "msgkit/smpp/text/udh.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

struct parsed {
  byte_vector octets;
  user_data data;
};
parsed parse(std::string_view hex) {
  parsed p{*from_hex(hex), {}};
  auto r = split_user_data(p.octets);
  EXPECT_TRUE(r) << hex;
  if (r) p.data = *r;
  return p;
}
fault parse_error(std::string_view hex) {
  const auto octets = *from_hex(hex);
  const auto r = split_user_data(octets);
  EXPECT_FALSE(r) << hex;
  return r ? fault{} : r.error();
}

}  // namespace

TEST(UserDataHeader, ReadsConcatenation) {
  const auto p = parse("050003fe0201006e0067");
  EXPECT_EQ(p.data.header.concatenation(), (concatenation{0xFE, 2, 1, reference_width::udh8}));
  EXPECT_EQ(to_hex(p.data.body), "006e0067");
  EXPECT_EQ(p.data.header.size(), 6u);
  EXPECT_EQ(parse("06080404d20401").data.header.concatenation(), (concatenation{0x04D2, 4, 1, reference_width::udh16}));
}

TEST(UserDataHeader, IgnoresConcatenationThatCannotBe) {
  for (const auto hex : {"050003fe0200", "050003fe0203", "050003fe0000", "040002fe02", "0600040102030400"}) {
    EXPECT_FALSE(parse(hex).data.header.concatenation()) << hex;
  }
}

TEST(UserDataHeader, ReadsPortsAndLanguages) {
  EXPECT_EQ(parse("0605040b8423f0").data.header.ports(), (port_addresses{2948, 9200, true}));
  EXPECT_EQ(parse("040402f0f1").data.header.ports(), (port_addresses{0xF0, 0xF1, false}));
  const auto p = parse("03240103747b7374");
  EXPECT_EQ(p.data.header.languages(), (gsm7_alphabet{.single = gsm7_language::portuguese}));
  EXPECT_EQ(gsm7_decode(p.data.body, p.data.header.languages()).text, "t\u00e4st");
  EXPECT_EQ(parse("06240101250106").data.header.languages(),
            (gsm7_alphabet{gsm7_language::hindi, gsm7_language::turkish}));
}

TEST(UserDataHeader, KeepsUnknownElementsInOrder) {
  const auto p = parse("0b7002aabb0003010201710061");
  std::vector<std::uint8_t> ids;
  for (const auto& [id, data] : p.data.header) ids.push_back(id);
  EXPECT_EQ(ids, (std::vector<std::uint8_t>{0x70, 0x00, 0x71}));
  EXPECT_EQ(to_hex(p.data.header.find(0x70)->data), "aabb");
  EXPECT_TRUE(p.data.header.find(0x71)->data.empty());
  EXPECT_FALSE(p.data.header.find(0x72));
  EXPECT_EQ(to_hex(p.data.body), "61");
}

TEST(UserDataHeader, TheLastOfRepeatedElementsCounts) {
  EXPECT_EQ(parse("0a00030102010003020302").data.header.concatenation(),
            (concatenation{2, 3, 2, reference_width::udh8}));
}

TEST(UserDataHeader, AcceptsAnEmptyHeader) {
  const auto p = parse("0061");
  EXPECT_TRUE(p.data.header.empty());
  EXPECT_EQ(p.data.header.size(), 1u);
  EXPECT_EQ(to_hex(p.data.body), "61");
  EXPECT_EQ(user_data_header{}.size(), 0u);
}

TEST(UserDataHeader, RefusesWhatRunsPastItsBounds) {
  EXPECT_EQ(parse_error("").code, text_errc::header_exceeds_payload);
  EXPECT_EQ(parse_error("05").code, text_errc::header_exceeds_payload);
  EXPECT_EQ(parse_error("050003fe02").code, text_errc::header_exceeds_payload);
  EXPECT_EQ(parse_error("ff0003fe0201").code, text_errc::header_exceeds_payload);
  EXPECT_EQ(parse_error("050004fe020100").code, text_errc::element_exceeds_header);
  EXPECT_EQ(parse_error("0100aa").code, text_errc::element_exceeds_header);
  const auto late = parse_error("0800030102017002aa55");
  EXPECT_EQ(late.code, text_errc::element_exceeds_header);
  EXPECT_EQ(late.offset, 7u);
}

TEST(UserDataHeader, EveryPrefixAndEveryOctetChangeHasAnAnswer) {
  const auto whole = *from_hex("0b000304030205040b8423f0616263");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto r = split_user_data(bytes_view{whole}.first(size));
    EXPECT_EQ(r.has_value(), size >= 12) << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int v = 0; v < 256; ++v) {
      auto changed = whole;
      changed[i] = static_cast<std::uint8_t>(v);
      const auto r = split_user_data(changed);
      if (!r) continue;
      EXPECT_EQ(r->header.size() + r->body.size(), changed.size());
      std::size_t total = 1;
      for (const auto& [id, data] : r->header) total += 2 + data.size();
      EXPECT_EQ(total, r->header.size());
    }
  }
}

TEST(UdhBuilder, WritesWhatTheParserReads) {
  udh_builder b;
  EXPECT_TRUE(b.empty());
  EXPECT_TRUE(b.octets()->empty());
  b.add(concatenation{0x1234, 3, 2, reference_width::udh16})
      .add(port_addresses{2948, 9200, true})
      .add(port_addresses{1, 2, false})
      .add(gsm7_alphabet{gsm7_language::hindi, gsm7_language::urdu})
      .add(0x70, byte_vector{1, 2, 3});
  const auto octets = *b.octets();
  const auto r = split_user_data(octets);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->header.concatenation(), (concatenation{0x1234, 3, 2, reference_width::udh16}));
  EXPECT_EQ(r->header.ports(), (port_addresses{1, 2, false}));
  EXPECT_EQ(r->header.languages(), (gsm7_alphabet{gsm7_language::hindi, gsm7_language::urdu}));
  EXPECT_TRUE(r->body.empty());
}

TEST(UdhBuilder, SarReferenceChoosesItsElement) {
  udh_builder narrow, wide;
  narrow.add(concatenation{0x34, 2, 1, reference_width::sar});
  wide.add(concatenation{0x134, 2, 1, reference_width::sar});
  EXPECT_EQ(to_hex(*narrow.octets()), "050003340201");
  EXPECT_EQ(to_hex(*wide.octets()), "06080401340201");
}

TEST(UdhBuilder, ReportsAHeaderThatUdhlCannotCount) {
  udh_builder b;
  b.add(0x70, byte_vector(200)).add(0x71, byte_vector(51));
  EXPECT_EQ(b.octets()->size(), 256u);
  b.add(0x72, {});
  EXPECT_EQ(b.octets().error().code, text_errc::header_too_long);
}
