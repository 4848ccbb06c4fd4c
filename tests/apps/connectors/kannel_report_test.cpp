#include "connectors/kannel_report.hpp"

#include <gtest/gtest.h>

namespace msgkit::app {
namespace {

using engine::message_state;

engine::message_content receipt(message_state state, bool intermediate = false) {
  engine::message_content c;
  c.kind = engine::message_kind::receipt;
  c.account = "report:shop";
  c.source.value = "46700000001";  // who was to get the message
  c.destination.value = "15550001";
  auto& r = c.receipt.emplace();
  r.receipt_of = engine::message_id{7};
  r.state = state;
  r.intermediate = intermediate;
  r.error_code = 11;
  r.error_text = "no such number";
  r.submitted_at = r.done_at = wall_time{std::chrono::seconds{1'700'000'000}};
  r.segments_delivered = 1;
  r.endpoint = "carrier:up";
  r.carrier_id = "a/b";
  return c;
}

TEST(KannelReport, AReferenceTellsMaskAndAddress) {
  const kannel_report_order order{.mask = 19, .url = "http://shop.example/dlr?a=%d b"};
  const auto read = read_report_order(reference_of(order));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mask, 19u);
  EXPECT_EQ(read->url, order.url);
  for (const auto* none :
       {"", "order-7", "kannel-report", "kannel-report 19", "kannel-report x http://a", "kannel-report 32 u"})
    EXPECT_FALSE(read_report_order(none)) << none;
}

TEST(KannelReport, TheMaskAsksForReceipts) {
  EXPECT_EQ(receipts_for({.mask = kannel_delivered}), engine::receipt_on_success);
  EXPECT_EQ(receipts_for({.mask = kannel_undelivered}), engine::receipt_on_failure);
  EXPECT_EQ(receipts_for({.mask = kannel_rejected}), engine::receipt_on_failure);
  EXPECT_EQ(receipts_for({.mask = kannel_accepted}), engine::receipt_on_sent);
  EXPECT_EQ(receipts_for({.mask = kannel_buffered}), 0);
  EXPECT_EQ(receipts_for({.mask = kannel_mask_max}),
            engine::receipt_on_success | engine::receipt_on_failure | engine::receipt_on_sent);
}

TEST(KannelReport, EveryEndIsOneEvent) {
  EXPECT_EQ(kannel_event(*receipt(message_state::delivered).receipt), 1u);
  EXPECT_EQ(kannel_event(*receipt(message_state::undelivered).receipt), 2u);
  EXPECT_EQ(kannel_event(*receipt(message_state::expired).receipt), 2u);
  EXPECT_EQ(kannel_event(*receipt(message_state::sent, true).receipt), 8u);
  EXPECT_EQ(kannel_event(*receipt(message_state::rejected).receipt), 16u);
}

TEST(KannelReport, FillsTheAddress) {
  const auto fill = [](std::string_view pattern, message_state state = message_state::delivered) {
    return kannel_report_url(pattern, receipt(state, state == message_state::sent));
  };
  EXPECT_EQ(fill("http://h/?s=%d&to=%p&from=%P"), "http://h/?s=1&to=%2B46700000001&from=%2B15550001");
  EXPECT_EQ(fill("%F|%i|%o|%I"), "a%2Fb|up|shop|" + engine::message_id{7}.text());
  EXPECT_EQ(fill("%t %T"), "2023-11-14+22:13:20 1700000000");
  EXPECT_EQ(fill("%A", message_state::sent), "ACK%2F");
  EXPECT_EQ(fill("%A", message_state::rejected), "NACK%2F11%2Fno%20such%20number");
  EXPECT_EQ(
      fill("%a"),
      "id%3Aa%2Fb%20sub%3A001%20dlvrd%3A001%20submit%20date%3A2311142213%20done%20date%3A2311142213%20stat%3ADELIVRD"
      "%20err%3A011%20text%3A");
}

TEST(KannelReport, WhatIsNoEscapeStays) {
  const auto c = receipt(message_state::delivered);
  EXPECT_EQ(kannel_report_url("100%", c), "100%");
  EXPECT_EQ(kannel_report_url("%%d", c), "%d");
  EXPECT_EQ(kannel_report_url("%20%3D%z", c), "%20%3D%z");
  EXPECT_EQ(kannel_report_url("[%k%r%s%u%D%n%x]", c), "[]") << "of a text or a configuration";
  EXPECT_EQ(kannel_report_url("[%#smpp#tlv#]", c), "[]");
  EXPECT_EQ(kannel_report_url("[%#smpp", c), "[%#smpp");
}

TEST(KannelReport, HasAnEndpointOfItsOwn) { EXPECT_EQ(report_endpoint("client:shop"), "report:shop"); }

}  // namespace
}  // namespace msgkit::app
