// Delivery receipts between PDUs and the engine, both ways.
#include <gtest/gtest.h>

#include "connectors/sms_conversion.hpp"
#include "msgkit/smpp/text/text_error.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace std::chrono_literals;
using smpp::tag;

namespace {

constexpr wall_time now{std::chrono::milliseconds{1'790'000'000'000}};

smpp::deliver_sm receipt_pdu(std::string_view text, smpp::tlv_list tlvs = {}) {
  return {.source_addr = "46700000001",
          .destination_addr = "46709999999",
          .esm_class = smpp::esm::delivery_receipt,
          .short_message = text,
          .tlvs = tlvs};
}
engine::report report_of(const smpp::deliver_sm& m) {
  const auto r = to_report(m, "carrier:up1");
  EXPECT_TRUE(r);
  return r ? *r : engine::report{};
}
engine::message_content receipt_content(engine::message_state state) {
  engine::message_content c;
  c.kind = engine::message_kind::receipt;
  c.account = "client:alice";
  c.source = {1, 1, "46700000001"};
  c.destination = {5, 0, "sender"};
  c.reference = "AB";
  auto& r = c.receipt.emplace();
  r.receipt_of = engine::message_id{42};
  r.state = state;
  r.submitted_at = now;
  r.done_at = now + 5min;
  r.segments_submitted = 3;
  r.segments_delivered = 2;
  return c;
}

}  // namespace

TEST(SmsReceipt, ReadsTheText) {
  const auto r = report_of(receipt_pdu(
      "id:0A1F sub:001 dlvrd:000 submit date:2609211300 done date:2609211331 stat:UNDELIV err:042 text:hello"));
  EXPECT_EQ(r.endpoint, "carrier:up1");
  EXPECT_EQ(r.carrier_id, "0A1F");
  EXPECT_EQ(r.state, engine::message_state::undelivered);
  EXPECT_FALSE(r.intermediate);
  EXPECT_EQ(r.code, 42u);
  EXPECT_EQ(r.text, "042");
  EXPECT_EQ(r.done_at, now - 42min - 20s);
}

TEST(SmsReceipt, TlvsCountMoreThanTheText) {
  smpp::tlv_builder tlvs;
  tlvs.add_cstring(tag::receipted_message_id, "2591").add_u8(tag::message_state, 2);
  const auto r = report_of(receipt_pdu("id:0A1F stat:UNDELIV", tlvs.list()));
  EXPECT_EQ(r.carrier_id, "2591");
  EXPECT_EQ(r.state, engine::message_state::delivered);
}

TEST(SmsReceipt, TlvsAloneAreEnough) {
  smpp::tlv_builder tlvs;
  tlvs.add_cstring(tag::receipted_message_id, "77").add_u8(tag::message_state, 5);
  (void)tlvs.add(tag::network_error_code, as_bytes(std::string_view{"\x03\x00\x15", 3}));
  const auto r = report_of(receipt_pdu({}, tlvs.list()));
  EXPECT_EQ(r.carrier_id, "77");
  EXPECT_EQ(r.state, engine::message_state::undelivered);
  EXPECT_EQ(r.code, 0x15u);
}

TEST(SmsReceipt, StatesMeanWhatTheyMean) {
  struct row {
    const char* stat;
    engine::message_state state;
    bool intermediate;
  };
  const row table[] = {
      {"DELIVRD", engine::message_state::delivered, false},  {"EXPIRED", engine::message_state::expired, false},
      {"DELETED", engine::message_state::undelivered, false}, {"UNDELIV", engine::message_state::undelivered, false},
      {"REJECTD", engine::message_state::rejected, false},   {"ACCEPTD", engine::message_state::sent, true},
      {"ENROUTE", engine::message_state::sent, true},        {"UNKNOWN", engine::message_state::unknown, false},
      {"WHATEVR", engine::message_state::unknown, false},
  };
  for (const auto& each : table) {
    const auto r = report_of(receipt_pdu(std::string("id:1 stat:") + each.stat));
    EXPECT_EQ(r.state, each.state) << each.stat;
    EXPECT_EQ(r.intermediate, each.intermediate) << each.stat;
  }
}

TEST(SmsReceipt, WhatIsNoReceiptIsSaidToBeNone) {
  const auto r = to_report(receipt_pdu("call me back"), "carrier:up1");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, smpp::text_errc::not_a_receipt);
}

TEST(SmsReceipt, WhatAClientIsSentReadsBack) {
  using state = engine::message_state;
  const std::pair<state, smpp::message_state> table[] = {
      {state::delivered, smpp::message_state::delivered},     {state::expired, smpp::message_state::expired},
      {state::undelivered, smpp::message_state::undeliverable}, {state::rejected, smpp::message_state::rejected},
      {state::canceled, smpp::message_state::deleted},        {state::unknown, smpp::message_state::unknown},
  };
  for (const auto& [ours, theirs] : table) {
    const auto c = receipt_content(ours);
    smpp::deliver_sm m;
    std::string text;
    smpp::tlv_builder tlvs;
    fill_receipt(m, c, c.receipt->receipt_of.text(), text, tlvs);
    EXPECT_EQ(m.esm_class, smpp::esm::delivery_receipt);
    EXPECT_EQ(m.source_addr, "46700000001");
    EXPECT_EQ(m.destination_addr, "sender");
    EXPECT_EQ(m.dest_addr_ton, smpp::ton::alphanumeric);
    EXPECT_EQ(m.tlvs.find_integer(tag::message_state), static_cast<std::uint32_t>(theirs)) << name(ours);
    EXPECT_EQ(as_text(m.tlvs.find(tag::user_message_reference)->value), "AB");
    const auto read = smpp::parse_receipt(as_bytes(m.short_message));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id, engine::message_id{42}.text());
    EXPECT_EQ(read->state, theirs) << name(ours);
    EXPECT_EQ(read->submitted, 3u);
    EXPECT_EQ(read->delivered, 2u);
    EXPECT_EQ(read->err, "000");
    EXPECT_FALSE(read->irregular);
    const auto back = report_of(m);
    EXPECT_EQ(back.carrier_id, engine::message_id{42}.text());
  }
}

TEST(SmsReceipt, ErrorCodesAreThreeDigitsOrTheCarriersWord) {
  const auto err = [](std::uint32_t code, std::string text) {
    auto c = receipt_content(engine::message_state::undelivered);
    c.receipt->error_code = code;
    c.receipt->error_text = std::move(text);
    smpp::deliver_sm m;
    std::string line;
    smpp::tlv_builder tlvs;
    fill_receipt(m, c, c.receipt->receipt_of.text(), line, tlvs);
    return smpp::parse_receipt(as_bytes(m.short_message))->err;
  };
  EXPECT_EQ(err(0, ""), "000");
  EXPECT_EQ(err(7, ""), "007");
  EXPECT_EQ(err(42, "0x2a"), "0x2a");
  EXPECT_EQ(err(5'000, "a long explanation"), "999");
}

TEST(SmsReceipt, AnIntermediateOneSaysSo) {
  auto c = receipt_content(engine::message_state::sent);
  c.receipt->intermediate = true;
  smpp::deliver_sm m;
  std::string text;
  smpp::tlv_builder tlvs;
  fill_receipt(m, c, c.receipt->receipt_of.text(), text, tlvs);
  EXPECT_EQ(m.esm_class, smpp::esm::intermediate_notification);
  EXPECT_EQ(m.tlvs.find_integer(tag::message_state), 1u);
}
