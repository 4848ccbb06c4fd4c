#include "msgkit/smpp/codec.hpp"

#include <random>
#include <set>

#include "support/decode_vector.hpp"
#include "support/sample_pdu.hpp"

namespace msgkit::smpp {
namespace {

using test::for_each_pdu;
using test::read_hex;
using test::sample_maker;

// Every PDU, many seeds: what was encoded comes back, octet for octet and field by field.
TEST(Codec, RoundTripsEveryPdu) {
  for_each_pdu([]<class Pdu>(std::type_identity<Pdu>) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      SCOPED_TRACE(std::string(command_name(Pdu::id)) + " seed " + std::to_string(seed));
      sample_maker samples(seed);
      const auto m = samples.make<Pdu>();
      const auto sequence = static_cast<std::uint32_t>(samples.below(0x100000000u));
      byte_vector octets{1, 2, 3};  // encode appends
      ASSERT_TRUE(encode(m, sequence, octets));
      octets.erase(octets.begin(), octets.begin() + 3);
      ASSERT_EQ(*frame_length(octets), octets.size());

      diagnostics notes;
      const auto decoded = decode(octets, &notes);
      ASSERT_TRUE(decoded) << decoded.error().code.message() << " in " << decoded.error().field;
      EXPECT_EQ(decoded->head, (header{static_cast<std::uint32_t>(octets.size()), Pdu::id, {}, sequence}));
      ASSERT_TRUE(std::get<Pdu>(*decoded) == m);
      ASSERT_TRUE(*decode_as<Pdu>(octets) == m);

      byte_vector again;
      ASSERT_TRUE(encode(*decoded, again));
      ASSERT_EQ(again, octets);
      byte_vector buffer(octets.size());
      ASSERT_EQ(*encode_to(m, sequence, buffer), octets.size());
      ASSERT_EQ(buffer, octets);
    }
  });
}

TEST(Codec, RoundTripsEveryErrorResponse) {
  for_each_pdu([]<class Pdu>(std::type_identity<Pdu>) {
    if constexpr (is_response(Pdu::id)) {
      byte_vector octets;
      ASSERT_TRUE(encode(Pdu{}, 7, octets, command_status::system_error));
      EXPECT_EQ(octets.size(), header_bytes) << command_name(Pdu::id);
      for (std::uint64_t seed = 0; seed < 50; ++seed) {
        sample_maker samples(seed);
        const auto m = samples.make<Pdu>();
        octets.clear();
        ASSERT_TRUE(encode(m, 7, octets, static_cast<command_status>(0x401)));
        const auto decoded = decode(octets);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(static_cast<std::uint32_t>(decoded->head.status), 0x401u);  // vendor statuses are kept
        ASSERT_TRUE(std::get<Pdu>(*decoded) == m) << command_name(Pdu::id) << " seed " << seed;
      }
    }
  });
}

TEST(Codec, HasOnePduPerCommandOfTheTable) {
  std::set<command_id> described;
  for_each_pdu([&]<class Pdu>(std::type_identity<Pdu>) { EXPECT_TRUE(described.insert(Pdu::id).second); });
  EXPECT_EQ(described.erase(command_id::generic_nack), 1u);
  for (const auto& each : command_table) {
    EXPECT_EQ(described.erase(each.id), 1u) << each.name;
    if (each.has_response) {
      EXPECT_EQ(described.erase(response_to(each.id)), 1u) << each.name;
    }
  }
  EXPECT_TRUE(described.empty());
}

// What decode() accepted can be kept and written again, whatever a peer got wrong.
void expect_relays(bytes_view frame) {
  diagnostics notes;
  const auto decoded = decode(frame, &notes);
  const auto without_notes = decode(frame);
  ASSERT_EQ(without_notes.has_value(), decoded.has_value());
  if (!decoded) {
    ASSERT_TRUE(without_notes.error() == decoded.error());
    ASSERT_TRUE(decoded.error().code);
    ASSERT_FALSE(decoded.error().field.empty());
    ASSERT_LE(decoded.error().offset, frame.size());
    ASSERT_NE(status_for(decoded.error()), command_status::ok);
    return;
  }
  ASSERT_TRUE(*without_notes == *decoded);
  for (const auto& each : notes.kept()) ASSERT_LE(each.offset, frame.size());
  byte_vector again;
  ASSERT_TRUE(encode(*decoded, again, length_limits::tolerated));
  const auto second = decode(again);
  ASSERT_TRUE(second);
  auto head = decoded->head;
  head.command_length = second->head.command_length;
  ASSERT_EQ(second->head, head);
  ASSERT_TRUE(static_cast<const pdu_variant&>(*second) == static_cast<const pdu_variant&>(*decoded));
  byte_vector third;
  ASSERT_TRUE(encode(*second, third, length_limits::tolerated));
  ASSERT_EQ(third, again);
}

TEST(Codec, EveryPrefixOfEveryVectorIsAValueOrAnError) {
  for (const auto& name : test::list_vectors("smpp")) {
    SCOPED_TRACE(name);
    const auto whole = read_hex(name);
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      byte_vector frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      frame.shrink_to_fit();  // a read past the end is a read past the allocation
      expect_relays(frame);
      if (length < *frame_length(whole)) {
        EXPECT_EQ(decode(frame).error().code, errc::truncated);
      }
      if (length < 4) continue;
      store_big(frame.data(), static_cast<std::uint32_t>(length));
      expect_relays(frame);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Codec, EverySingleOctetChangeOfEveryVectorIsAValueOrAnError) {
  for (const auto& name : test::list_vectors("smpp")) {
    SCOPED_TRACE(name);
    auto frame = read_hex(name);
    frame.shrink_to_fit();
    for (auto& octet : frame) {
      const auto original = octet;
      for (unsigned change = 1; change < 256; ++change) {
        octet = static_cast<std::uint8_t>(original ^ change);
        expect_relays(frame);
        if (HasFatalFailure()) return;
      }
      octet = original;
    }
  }
}

TEST(Codec, KeepsUnknownCommands) {
  for (const auto* name : {"smpp/unknown_request.hex", "smpp/unknown_response.hex"}) {
    const auto octets = read_hex(name);
    const auto m = decode(octets);
    ASSERT_TRUE(m);
    EXPECT_TRUE(std::get<unknown_pdu>(*m).body.empty());
    byte_vector again;
    ASSERT_TRUE(encode(*m, again));
    EXPECT_EQ(again, octets);
  }
}

// Whatever a later version or a vendor invents goes through a relay unchanged: commands with any body, statuses, tags.
TEST(Codec, KeepsWhatNobodyHasSpecifiedOctetForOctet) {
  std::mt19937_64 random(20260105);
  for (int round = 0; round < 2'000; ++round) {
    byte_vector octets(header_bytes + random() % 64);
    for (auto& each : octets) each = static_cast<std::uint8_t>(random());
    store_big(octets.data(), static_cast<std::uint32_t>(octets.size()));
    const auto id = static_cast<std::uint32_t>(0x10200 + random() % 0x100) | (random() % 2 != 0 ? response_bit : 0);
    store_big(octets.data() + 4, id);
    const auto m = decode(octets);
    ASSERT_TRUE(m);
    ASSERT_TRUE(std::holds_alternative<unknown_pdu>(*m));
    byte_vector again;
    ASSERT_TRUE(encode(*m, again));
    ASSERT_EQ(again, octets);
  }
  for (std::uint32_t status = 0x400; status < 0x500; ++status) {
    for (unsigned t = 0x1400; t < 0x4000; t += 97) {
      tlv_builder tlvs;
      const std::uint8_t value[] = {0, static_cast<std::uint8_t>(t), 0};
      ASSERT_TRUE(tlvs.add(static_cast<tag>(t), value));
      byte_vector octets, again;
      ASSERT_TRUE(encode(submit_sm_resp{.message_id = "x", .tlvs = tlvs.list()}, status, octets,
                         static_cast<command_status>(status)));
      ASSERT_TRUE(encode(*decode(octets), again));
      ASSERT_EQ(again, octets);
    }
  }
}

TEST(Codec, DecodesTwoPdusInOneBuffer) {
  const auto octets = read_hex("smpp/unknown_then_enquire_link.hex");
  const auto first = decode(octets);
  ASSERT_TRUE(first);
  EXPECT_EQ(to_hex(std::get<unknown_pdu>(*first).body), "0f");
  byte_vector again;
  ASSERT_TRUE(encode(*first, again));
  EXPECT_EQ(again, byte_vector(octets.begin(), octets.begin() + 17));
  const auto second = decode(bytes_view(octets).subspan(first->head.command_length));
  ASSERT_TRUE(second);
  EXPECT_TRUE(std::holds_alternative<enquire_link>(*second));
}

TEST(Codec, DecodeAsRefusesAnotherCommand) {
  const auto octets = read_hex("smpp/enquire_link_basic.hex");
  const auto m = decode_as<submit_sm>(octets);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, errc::command_unknown);
  EXPECT_EQ(m.error().offset, 4u);
}

TEST(Codec, WaitsForTheLengthThenJudgesIt) {
  const auto octets = read_hex("smpp/enquire_link_basic.hex");
  for (std::size_t n = 0; n < 4; ++n) EXPECT_EQ(*frame_length(bytes_view(octets).first(n)), 0u);
  for (std::size_t n = 4; n <= octets.size(); ++n) EXPECT_EQ(*frame_length(bytes_view(octets).first(n)), 16u);
  const auto judge = [](std::uint32_t length) {
    std::uint8_t four[4];
    store_big(four, length);
    return frame_length(four);
  };
  for (std::uint32_t length = 0; length < 16; ++length) {
    ASSERT_FALSE(judge(length));
    EXPECT_EQ(judge(length).error().code, errc::command_length_invalid);
    EXPECT_EQ(status_for(judge(length).error()), command_status::invalid_command_length);
  }
  EXPECT_EQ(*judge(16), 16u);
  EXPECT_EQ(*judge(pdu_bytes_max_default), pdu_bytes_max_default);
  EXPECT_FALSE(judge(pdu_bytes_max_default + 1));
  EXPECT_FALSE(judge(0xffffffff));
  EXPECT_FALSE(judge(0x48545450));  // "HTTP"
  EXPECT_FALSE(judge(0x16030102));  // a TLS ClientHello
}

TEST(Codec, HoldsTheLargestPayload) {
  const byte_vector text(65535, 'x');
  tlv_builder payload;
  ASSERT_TRUE(payload.add(tag::message_payload, text));
  byte_vector octets;
  ASSERT_TRUE(encode(submit_sm{.tlvs = payload.list()}, 1, octets));
  EXPECT_EQ(*frame_length(octets), octets.size());
  EXPECT_EQ(decode_as<submit_sm>(octets)->tlvs.find(tag::message_payload)->value.size(), 65535u);
}

TEST(Codec, EncodesIntoTheCallersBufferOrSaysItIsTooSmall) {
  std::array<std::uint8_t, 17> buffer{};
  EXPECT_EQ(*encode_to(deliver_sm_resp{}, 1, buffer), 17u);
  const auto m = encode_to(deliver_sm_resp{}, 1, std::span(buffer).first(16));
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, errc::truncated);
}

}  // namespace
}  // namespace msgkit::smpp
