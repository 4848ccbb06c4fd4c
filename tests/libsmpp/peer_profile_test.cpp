#include "msgkit/smpp/peer_profile.hpp"

#include "msgkit/smpp/describe.hpp"
#include "msgkit/smpp/message.hpp"
#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::read_hex;

constexpr peer_profile strict_in_all{.others = strictness::strict};
constexpr peer_profile lenient_in_all{.messages = strictness::lenient};

template <class Pdu>
byte_vector octets_of(const Pdu& m) {
  byte_vector out;
  EXPECT_TRUE(encode(m, 1, out, command_status::ok, length_limits::tolerated));
  return out;
}

TEST(PeerProfile, MovesTheLineBetweenRefusingAndNoting) {
  const std::string address(30, '4');
  const auto submit = octets_of(submit_sm{.source_addr = address});
  EXPECT_EQ(decode(submit).error().code, errc::missing_terminator);
  diagnostics notes;
  const auto taken = decode(submit, &notes, lenient_in_all);
  ASSERT_TRUE(taken);
  EXPECT_EQ(std::get<submit_sm>(*taken).source_addr, address);
  EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::field_too_long});

  const auto deliver = octets_of(deliver_sm{.source_addr = address});
  EXPECT_TRUE(decode(deliver));
  EXPECT_EQ(decode(deliver, nullptr, strict_in_all).error().field, "source_addr");
  EXPECT_EQ(decode_as<deliver_sm>(deliver, nullptr, strict_in_all).error().code, errc::missing_terminator);
}

TEST(PeerProfile, AppliesToDataSmByWhatItCarries) {
  const std::string address(80, '4');
  const auto message = octets_of(data_sm{.source_addr = address});
  const auto receipt = octets_of(data_sm{.source_addr = address, .esm_class = esm::delivery_receipt});
  EXPECT_FALSE(decode(message));
  EXPECT_TRUE(decode(receipt));
  EXPECT_TRUE(decode(message, nullptr, lenient_in_all));
  EXPECT_FALSE(decode(receipt, nullptr, strict_in_all));
}

TEST(PeerProfile, StrictnessKnowsNoCutTlvs) {
  const auto receipt = read_hex("smpp/deliver_sm_receipt_cut_tlv.hex");
  EXPECT_TRUE(decode(receipt));
  EXPECT_EQ(decode(receipt, nullptr, strict_in_all).error().code, errc::tlv_stream_invalid);
}

TEST(PeerProfile, SaysWhatAsksToSlowDown) {
  EXPECT_TRUE(asks_to_slow_down(command_status::throttled));
  EXPECT_TRUE(asks_to_slow_down(command_status::message_queue_full));
  EXPECT_FALSE(asks_to_slow_down(command_status::submit_failed));
  EXPECT_TRUE(asks_to_slow_down(command_status::submit_failed, {.submit_failed_is_congestion = true}));
  EXPECT_FALSE(asks_to_slow_down(command_status::system_error));
}

TEST(PeerProfile, WritesInternationalNumbersAsThePeerWantsThem) {
  const peer_profile none{.numbers = number_prefix::none};
  const peer_profile plus{.numbers = number_prefix::plus};
  for (const auto* number : {"447700900123", "+447700900123", "00447700900123"}) {
    EXPECT_EQ(normalized_number(ton::international, number, default_profile), number);
    EXPECT_EQ(normalized_number(ton::international, number, none), "447700900123");
    EXPECT_EQ(normalized_number(ton::international, number, plus), "+447700900123");
    EXPECT_EQ(normalized_number(ton::national, number, plus), number);
  }
}

TEST(Message, IsTheTextOrThePayload) {
  const auto both = decode_vector<submit_sm>("submit_sm_message_payload_beside_text");
  EXPECT_EQ(message_octets(both.body).size(), both->short_message.size());
  EXPECT_EQ(as_text(message_octets(both.body, {.payload_before_text = true})), "test");
  const auto empty = decode_vector<deliver_sm>("deliver_sm_empty_payload");
  EXPECT_TRUE(message_octets(empty.body).empty());
  tlv_builder tlvs;
  ASSERT_TRUE(tlvs.add(tag::message_payload, as_bytes("data")));
  EXPECT_EQ(as_text(message_octets(data_sm{.tlvs = tlvs.list()})), "data");
  EXPECT_EQ(as_text(message_octets(broadcast_sm{.tlvs = tlvs.list()})), "data");
}

TEST(Message, LosesTheNulOnlyWhenThePeerAddsOne) {
  const submit_sm m{.short_message = std::string_view("hi\0", 3)};
  EXPECT_EQ(message_octets(m).size(), 3u);  // GSM 7-bit: "hi@"
  EXPECT_EQ(as_text(message_octets(m, {.texts_end_in_nul = true})), "hi");
}

TEST(Message, SarTlvsGiveAPosition) {
  tlv_builder tlvs;
  add_sar(tlvs, {.reference = 0x1234, .total = 3, .sequence = 2});
  EXPECT_EQ(sar_position(tlvs.list()), (concatenation{0x1234, 3, 2, reference_width::sar}));
  EXPECT_EQ(tlvs.list().find_integer(tag::more_messages_to_send), 1u);
  tlvs.clear();
  add_sar(tlvs, {.reference = 0x1234, .total = 3, .sequence = 3});
  EXPECT_EQ(tlvs.list().find(tag::more_messages_to_send), std::nullopt) << "the last part";
  EXPECT_EQ(sar_position(tlv_list{}), std::nullopt);
  for (const auto& impossible : {concatenation{1, 3, 0}, concatenation{1, 3, 4}, concatenation{1, 0, 1}}) {
    tlvs.clear();
    add_sar(tlvs, impossible);
    EXPECT_EQ(sar_position(tlvs.list()), std::nullopt);
  }
  tlvs.clear();
  tlvs.add_u16(tag::sar_msg_ref_num, 1).add_u8(tag::sar_total_segments, 2);
  EXPECT_EQ(sar_position(tlvs.list()), std::nullopt);
  tlvs.add_u16(tag::sar_segment_seqnum, 300);
  EXPECT_EQ(sar_position(tlvs.list()), std::nullopt);
}

TEST(Message, TheUserDataHeaderCountsBeforeTheTlvs) {
  tlv_builder tlvs;
  add_sar(tlvs, {.reference = 9, .total = 2, .sequence = 1});
  const std::uint8_t with_header[] = {5, 0, 3, 7, 4, 3, 'x'};
  const auto ud = split_user_data(with_header);
  ASSERT_TRUE(ud);
  EXPECT_EQ(part_position(ud->header, tlvs.list()), (concatenation{7, 4, 3, reference_width::udh8}));
  EXPECT_EQ(part_position({}, tlvs.list()), (concatenation{9, 2, 1, reference_width::sar}));
}

TEST(ReadReceipt, TakesTlvsBeforeText) {
  const auto cut = decode_vector<deliver_sm>("deliver_sm_receipt_cut_tlv");
  const auto r = read_receipt(cut.body);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->id, "3005");
  EXPECT_EQ(r->text_id, "0000003005");
  EXPECT_EQ(r->state, message_state::delivered);
  const auto full = decode_vector<deliver_sm>("deliver_sm_receipt_tlvs");
  const auto s = read_receipt(full.body);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->state, message_state::undeliverable);
  EXPECT_EQ(s->id, s->text_id);
  EXPECT_TRUE(s->network);
}

TEST(ReadReceipt, ShowsForeignOctetsAsLatin1) {
  const auto m = decode_vector<deliver_sm>("deliver_sm_receipt_foreign_octets");
  const auto r = read_receipt(m.body);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->id, "44c6b9d1");
  EXPECT_EQ(r->state, message_state::delivered);
  EXPECT_EQ(r->text, "\u0084A\u0089O\u0088T");
}

TEST(ReadReceipt, LooksBehindAHeaderAndInThePayload) {
  const std::string text = "id:7 stat:EXPIRED";
  const std::string with_header = std::string("\x05\x00\x03\x01\x01\x01", 6) + text;
  const std::uint8_t esm_class = esm::delivery_receipt | esm::udh_indicator;
  EXPECT_EQ(read_receipt(deliver_sm{.esm_class = esm_class, .short_message = with_header})->id, "7");
  tlv_builder tlvs;
  ASSERT_TRUE(tlvs.add(tag::message_payload, as_bytes(text)));
  const data_sm m{.esm_class = esm::delivery_receipt, .tlvs = tlvs.list()};
  EXPECT_EQ(read_receipt(m)->state, message_state::expired);
  EXPECT_FALSE(read_receipt(deliver_sm{.esm_class = esm::delivery_receipt}));
}

TEST(ReadReceipt, ReadsTheTlvsThatWeWrite) {
  const receipt r{.id = "0006aad5", .state = message_state::rejected, .network = network_error{3, 0x1234}};
  tlv_builder tlvs;
  add_receipt(tlvs, r);
  const auto back = read_receipt(deliver_sm{.tlvs = tlvs.list()});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->id, r.id);
  EXPECT_EQ(back->state, r.state);
  EXPECT_EQ(back->network, r.network);
  tlvs.clear();
  add_receipt(tlvs, {});
  EXPECT_TRUE(tlvs.empty());
}

TEST(Message, IsShownInThePeersAlphabet) {
  pdu p = submit_sm{.short_message = "caf\xE9"};
  json_options options;
  options.profile.coding.default_charset = charset::latin1;
  EXPECT_NE(to_json(p, {}, options).find("\"text\":\"caf\u00e9\""), std::string::npos);
}

}  // namespace
}  // namespace msgkit::smpp
