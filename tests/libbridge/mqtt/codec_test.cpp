#include "msgkit/bridge/mqtt/codec.hpp"

#include <gtest/gtest.h>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::bridge::mqtt {
namespace {

result<packet> decode_hex(std::string_view hex, version v, byte_vector& octets) {
  octets = *from_hex(hex);
  const auto f = next_frame(octets, 1 << 20);
  if (!f) return f.error();
  EXPECT_TRUE(*f && (*f)->size == octets.size()) << hex;
  return decode(**f, v);
}

struct vector_row {
  version v;
  const char* hex;
};
constexpr vector_row vectors[] = {
    // CONNECT 3.1.1: clean, keep alive 60, id "a"; and with will, user name and password
    {version::v3_1_1, "10 0d 0004 4d515454 04 02 003c 0001 61"},
    {version::v3_1_1, "10 1a 0004 4d515454 04 ec 003c 0001 61 0001 77 0002 6869 0001 75 0001 70"},
    {version::v5, "10 13 0004 4d515454 05 02 003c 05 11 00000e10 0001 61 "},
    {version::v5, "20 06 01 00 03 21 000a"},
    {version::v3_1_1, "20 02 00 05"},
    {version::v3_1_1, "30 05 0003 612f62"},
    {version::v3_1_1, "33 07 0001 61 0007 3432"},
    {version::v5, "3d 0d 0001 61 0007 05 08 0002 7239 3432 "},
    {version::v3_1_1, "40 02 0001"},
    {version::v5, "40 03 0001 10"},
    {version::v5, "62 02 0001"},
    {version::v5, "70 02 ffff"},
    {version::v5, "82 0a 0001 00 0004 612f2b23 2d"},
    {version::v3_1_1, "82 06 0001 0001 23 01"},
    {version::v5, "90 04 0001 00 01"},
    {version::v3_1_1, "a2 05 0001 0001 23"},
    {version::v5, "b0 04 0001 00 11"},
    {version::v3_1_1, "b0 02 0001"},
    {version::v5, "c0 00"},
    {version::v5, "d0 00"},
    {version::v5, "e0 00"},
    {version::v5, "e0 02 8e 00"},
    {version::v5, "f0 06 18 04 15 0001 78"},
};

TEST(MqttCodec, EveryVectorDecodesAndEncodesIdentically) {
  for (const auto& row : vectors) {
    std::string hex = row.hex;
    if (hex.find("612f2b23") != std::string::npos) continue;  // malformed on purpose, below
    byte_vector octets;
    const auto p = decode_hex(hex, row.v, octets);
    ASSERT_TRUE(p) << hex << ": " << p.error().field << " " << p.error().code.message();
    byte_vector again;
    std::visit([&](const auto& m) { ASSERT_TRUE(encode(m, row.v, again)) << hex; }, *p);
    // An empty property list after a reason may be left out.
    if (hex != "e0 02 8e 00") {
      EXPECT_EQ(to_hex(again), to_hex(octets));
    }
  }
}

TEST(MqttCodec, EveryPrefixOfAVectorIsIncompleteAndEveryCutBodyAnError) {
  for (const auto& row : vectors) {
    const auto octets = *from_hex(row.hex);
    for (std::size_t n = 0; n < octets.size(); ++n) {
      const auto f = next_frame(bytes_view{octets}.first(n), 1 << 20);
      ASSERT_TRUE(f);
      EXPECT_FALSE(*f);
    }
    const auto whole = next_frame(octets, 1 << 20);
    for (std::size_t n = 0; n < (*whole)->body.size(); ++n) {
      auto cut = **whole;
      cut.body = cut.body.first(n);
      (void)decode(cut, row.v);  // no crash; a shorter body may be a packet too
    }
  }
}

struct bad_row {
  version v;
  const char* hex;
  errc why;
};
constexpr bad_row bad[] = {
    {version::v5, "82 0a 0001 00 0004 612f2b23 2d", errc::topic_filter_invalid},
    {version::v5, "30 06 0003 612f2b 00", errc::topic_name_invalid},
    {version::v3_1_1, "30 02 0000", errc::topic_name_invalid},
    {version::v5, "30 03 0000 00", errc::topic_name_invalid},  // no alias either
    {version::v3_1_1, "30 04 0002 c080", errc::invalid_utf8},
    {version::v3_1_1, "30 03 0001 00", errc::invalid_utf8},
    {version::v3_1_1, "36 05 0001 61 0001", errc::header_flags_invalid},
    {version::v3_1_1, "32 05 0001 61 0000", errc::packet_id_zero},
    {version::v3_1_1, "38 03 0001 61", errc::header_flags_invalid},  // DUP of QoS 0
    {version::v5, "60 02 0001", errc::header_flags_invalid},
    {version::v5, "c0 01 00", errc::trailing_octets},
    {version::v5, "30 07 0001 61 03 23 0000", errc::value_out_of_range},       // alias 0
    {version::v5, "30 06 0001 61 02 25 01", errc::property_misplaced},
    {version::v5, "30 06 0001 61 02 7f 01", errc::property_unknown},
    {version::v5, "30 08 0001 61 04 01 01 01 01", errc::property_repeated},
    {version::v5, "30 05 0001 61 02 01", errc::truncated},
    {version::v3_1_1, "10 0d 0004 4d515454 03 02 003c 0001 61", errc::protocol_invalid},
    {version::v3_1_1, "10 0d 0004 4d515454 04 03 003c 0001 61", errc::value_out_of_range},
    {version::v3_1_1, "82 02 0001", errc::truncated},
    {version::v3_1_1, "f0 00", errc::packet_type_invalid},
};

TEST(MqttCodec, NamesWhatIsWrong) {
  for (const auto& row : bad) {
    byte_vector octets;
    const auto p = decode_hex(row.hex, row.v, octets);
    ASSERT_FALSE(p) << row.hex;
    EXPECT_EQ(p.error().code, make_error_code(row.why)) << row.hex << ": " << p.error().code.message();
  }
}

TEST(MqttCodec, JudgesTheLengthBeforeTheBodyArrives) {
  const std::uint8_t large[] = {0x30, 0xff, 0xff, 0xff, 0x7f};
  EXPECT_EQ(next_frame(large, 1 << 20).error().code, make_error_code(errc::packet_too_large));
  const std::uint8_t five[] = {0x30, 0xff, 0xff, 0xff, 0xff};
  EXPECT_EQ(next_frame(five, 1 << 20).error().code, make_error_code(errc::remaining_length_invalid));
  const std::uint8_t long_form[] = {0x30, 0x80, 0x00};
  EXPECT_EQ(next_frame(long_form, 1 << 20).error().code, make_error_code(errc::remaining_length_invalid));
  const std::uint8_t zero[] = {0x00};
  EXPECT_EQ(next_frame(zero, 1 << 20).error().code, make_error_code(errc::packet_type_invalid));
}

TEST(MqttCodec, ConnackOf311SpeaksReasonCodes) {
  byte_vector octets;
  const auto p = decode_hex("20 02 00 05", version::v3_1_1, octets);
  EXPECT_EQ(std::get<connack>(*p).reason, reason_code::not_authorized);
}

TEST(MqttCodec, RefusesToEncodeWhatItWouldNotDecode) {
  byte_vector out;
  EXPECT_FALSE(encode(publish{.topic = "a/+"}, version::v5, out));
  EXPECT_FALSE(encode(publish{.qos = qos::at_least_once, .topic = "a"}, version::v5, out));
  const std::string text(65'536, 'a');
  EXPECT_FALSE(encode(publish{.topic = text}, version::v5, out));
  EXPECT_FALSE(encode(subscribe{.packet_id = 1}, version::v5, out));
  EXPECT_TRUE(out.empty());
  const std::string longest(65'535, 'a');
  EXPECT_TRUE(encode(publish{.topic = longest}, version::v5, out));
}

TEST(MqttProperties, CarriesAllTwentySevenKinds) {
  EXPECT_EQ(property_table().size(), 27u);
  for (const auto& info : property_table()) {
    property_builder b;
    if (info.kind == property_kind::pair) b.user("name", "value");
    else if (info.kind <= property_kind::variable) b.number(info.id, info.max);
    else b.text(info.id, "text");
    for (property_places place = 1; place != 0; place = static_cast<property_places>(place << 1))
      EXPECT_EQ(check_properties(b.list().octets(), place).has_value(), (info.places & place) != 0) << info.name;
    const auto found = b.list().find(info.id);
    ASSERT_TRUE(found) << info.name;
    if (info.kind <= property_kind::variable) {
      EXPECT_EQ(found->number, info.max);
    }
  }
}

}  // namespace
}  // namespace msgkit::bridge::mqtt
