#include "msgkit/smpp/tlv.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {
namespace {

TEST(TlvBuilder, WritesEveryKind) {
  tlv_builder b;
  EXPECT_TRUE(b.empty());
  b.add_u8(tag::sar_total_segments, 2)
      .add_u16(tag::sar_msg_ref_num, 0x1234)
      .add_u32(tag::qos_time_to_live, 0x01020304)
      .add_cstring(tag::receipted_message_id, "id7");
  ASSERT_TRUE(b.add(tag::alert_on_message_delivery, {}));
  EXPECT_EQ(to_hex(b.list().encoded()), "020e000102" "020c00021234" "0017000401020304" "001e000469643700" "130c0000");
  tlv_builder copy;
  copy.append(b.list());
  EXPECT_EQ(copy.list(), b.list());
  EXPECT_TRUE(b.clear().list().empty());
}

TEST(TlvBuilder, RefusesAValueThatTheLengthCannotSay) {
  const byte_vector octets(65536);
  tlv_builder b;
  EXPECT_EQ(b.add(tag::message_payload, octets).error().code, errc::field_too_long);
  EXPECT_TRUE(b.empty());
  EXPECT_TRUE(b.add(tag::message_payload, bytes_view(octets).first(65535)));
}

TEST(TlvBuilder, CutsTextThatTheLengthCannotSay) {
  tlv_builder b;
  b.add_cstring(tag::additional_status_info_text, std::string(70000, 'x'));
  ASSERT_EQ(b.list().encoded().size(), 4u + 65535u);
  EXPECT_EQ(b.list().find_cstring(tag::additional_status_info_text)->size(), 65534u);
}

TEST(Tlv, ReadsIntegersOfOneTwoAndFourOctets) {
  const std::uint8_t octets[] = {1, 2, 3, 4};
  const auto read = [&](std::size_t n) { return tlv{{}, bytes_view(octets).first(n)}.as_integer(); };
  EXPECT_EQ(read(0), std::nullopt);
  EXPECT_EQ(read(1), 0x01u);
  EXPECT_EQ(read(2), 0x0102u);
  EXPECT_EQ(read(3), std::nullopt);
  EXPECT_EQ(read(4), 0x01020304u);
}

TEST(Tlv, ReadsTextWithAndWithoutItsNul) {
  EXPECT_EQ((tlv{{}, as_bytes("abc")}.as_cstring()), "abc");
  EXPECT_EQ((tlv{{}, as_bytes({"abc\0", 4})}.as_cstring()), "abc");
  EXPECT_EQ((tlv{{}, as_bytes({"a\0c", 3})}.as_cstring()), "a");
  EXPECT_EQ(tlv{}.as_cstring(), "");
}

TEST(TlvList, ClampsTheLastValueAndSkipsAStump) {
  const auto octets = *from_hex("001e0002aabb 04270005 01 02");
  std::vector<tlv> all;
  for (const auto& each : tlv_list(octets)) all.push_back(each);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].tag, tag::receipted_message_id);
  EXPECT_EQ(to_hex(all[0].value), "aabb");
  EXPECT_EQ(to_hex(all[1].value), "0102");
  for (std::size_t n = 0; n < 4; ++n) {
    const tlv_list stump(bytes_view(octets).first(n));
    EXPECT_TRUE(stump.empty());
    EXPECT_EQ(stump.begin(), stump.end());
  }
}

TEST(TlvList, FindsTheFirst) {
  tlv_builder b;
  b.add_u8(tag::message_state, 1).add_u8(tag::message_state, 2).add_cstring(tag::receipted_message_id, "x");
  EXPECT_EQ(b.list().find_integer(tag::message_state), 1u);
  EXPECT_EQ(b.list().find_cstring(tag::receipted_message_id), "x");
  EXPECT_EQ(b.list().find(tag::sms_signal), std::nullopt);
  EXPECT_EQ(b.list().find_integer(tag::sms_signal), std::nullopt);
  EXPECT_EQ(b.list().find_cstring(tag::sms_signal), std::nullopt);
}

TEST(TlvList, EqualsByContent) {
  tlv_builder a, b;
  a.add_u8(tag::message_state, 1);
  EXPECT_NE(a.list(), b.list());
  b.add_u8(tag::message_state, 2);
  EXPECT_NE(a.list(), b.list());
  EXPECT_EQ(a.list(), tlv_list(*from_hex("0427000101")));
  const auto cut = *from_hex("0427000901");  // says nine octets, has one
  EXPECT_EQ(a.list(), tlv_list(cut));
}

TEST(TlvTable, HasSaneLimitsAndFindsEveryEntry) {
  std::size_t known = 0;
  for (std::uint32_t value = 0; value <= 0xffff; ++value) {
    const auto* info = find_tlv(static_cast<tag>(value));
    if (info == nullptr) continue;
    ++known;
    EXPECT_EQ(static_cast<std::uint32_t>(info->tag), value);
    EXPECT_FALSE(info->name.empty());
    EXPECT_LE(info->length_min, info->length_max) << info->name;
    if (info->kind == tlv_kind::integer) {
      EXPECT_GE(info->length_min, 1) << info->name;
      EXPECT_LE(info->length_max, 4) << info->name;
    }
    const byte_vector longest(info->length_max);
    EXPECT_FALSE((tlv{info->tag, longest}.has_wrong_length())) << info->name;
    const byte_vector too_long(info->length_max + 1u);
    EXPECT_TRUE((tlv{info->tag, too_long}.has_wrong_length())) << info->name;
  }
  EXPECT_EQ(known, 64u);
  EXPECT_EQ(find_tlv(static_cast<tag>(0x1400)), nullptr);
  EXPECT_FALSE((tlv{static_cast<tag>(0x1400), {}}.has_wrong_length()));
}

// Ten thousand empty TLVs cost about ten times as much as a thousand, not a hundred times.
TEST(TlvList, TenThousandEmptyTlvsTakeLinearTime) {
  const auto best_of = [](std::size_t count) {
    tlv_builder b;
    for (std::size_t i = 0; i < count; ++i) (void)b.add(static_cast<tag>(0x1400 + i), {});
    byte_vector octets;
    EXPECT_TRUE(encode(submit_sm{.tlvs = b.list()}, 1, octets));
    auto best = std::chrono::nanoseconds::max();
    for (int round = 0; round < 9; ++round) {
      const auto start = std::chrono::steady_clock::now();
      diagnostics notes;
      const auto m = decode_as<submit_sm>(octets, &notes);
      EXPECT_TRUE(m);
      EXPECT_EQ(m->tlvs.find(static_cast<tag>(0x0001)), std::nullopt);
      best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
    }
    return best;
  };
  EXPECT_LT(best_of(10'000), best_of(1'000) * 30);
}

}  // namespace
}  // namespace msgkit::smpp
