#include "msgkit/bridge/mqtt/session.hpp"

#include <gtest/gtest.h>

#include "msgkit/bridge/errc.hpp"

namespace msgkit::bridge::mqtt {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

// The broker's half, by hand.
struct scripted {
  explicit scripted(session_options o = {}) : s(std::move(o)) { connect(); }
  void connect(bool present = false) {
    s.connected(start);
    (void)sent();
    give(connack{.session_present = present, .properties = said.list()});
    (void)drain();
    (void)sent();
  }
  template <class Packet>
  void give(const Packet& p) {
    in.clear();
    ASSERT_TRUE(encode(p, s.options().version, in));
    s.feed(in, start);
  }
  std::vector<event> drain() {
    std::vector<event> all;
    while (auto e = s.next_event()) {
      all.push_back(*e);
      topics.emplace_back(e->message.topic);
    }
    return all;
  }
  // What the session wrote, by type and packet identifier.
  std::vector<std::string> sent() {
    std::vector<std::string> all;
    auto rest = s.output();
    while (!rest.empty()) {
      const auto f = next_frame(rest, remaining_length_max);
      const auto p = decode(**f, s.options().version);
      EXPECT_TRUE(p) << p.error().field;
      std::string text(to_string((*f)->type));
      std::visit(
          [&](const auto& m) {
            if constexpr (requires { m.packet_id; }) text += " " + std::to_string(m.packet_id);
            if constexpr (requires { m.dup; }) text += m.dup ? " dup" : "";
            if constexpr (requires { m.reason; }) {
              if (m.reason != reason_code::success) text += " " + std::string(to_string(m.reason));
            }
          },
          *p);
      all.push_back(text);
      rest = rest.subspan((*f)->size);
    }
    s.clear_output();
    return all;
  }
  publish message(std::uint16_t id, qos q) { return {.qos = q, .topic = "a", .packet_id = id, .payload = as_bytes("x")}; }

  property_builder said;
  session s;
  byte_vector in;
  std::vector<std::string> topics;
};
using lines = std::vector<std::string>;

TEST(MqttSession, AcknowledgesInTheOrderReceivedWhenTheCallerSaysSo) {
  scripted t;
  std::vector<ack_token> tokens;
  for (std::uint16_t id = 7; id < 10; ++id) {
    t.give(t.message(id, qos::at_least_once));
    tokens.push_back(t.drain().at(0).token);
  }
  EXPECT_EQ(t.sent(), lines{});
  ASSERT_TRUE(t.s.acknowledge(tokens[1]));
  EXPECT_EQ(t.sent(), lines{});
  ASSERT_TRUE(t.s.acknowledge(tokens[0]));
  EXPECT_EQ(t.sent(), (lines{"PUBACK 7", "PUBACK 8"}));
  EXPECT_FALSE(t.s.acknowledge(tokens[0]));
  ASSERT_TRUE(t.s.acknowledge(tokens[2], reason_code::quota_exceeded));
  EXPECT_EQ(t.sent(), lines{"PUBACK 9 quota exceeded"});
}

TEST(MqttSession, NeverAcknowledgesOnAnotherConnection) {
  scripted t;
  t.give(t.message(7, qos::at_least_once));
  const auto token = t.drain().at(0).token;
  t.s.disconnected({});
  (void)t.drain();
  t.connect(true);
  EXPECT_EQ(t.s.acknowledge(token).error().code, make_error_code(errc::stale_token));
  EXPECT_EQ(t.sent(), lines{});
}

TEST(MqttSession, DeliversAnExactlyOnceMessageOnceOverTwoConnections) {
  scripted t;
  t.give(t.message(7, qos::exactly_once));
  const auto token = t.drain().at(0).token;
  t.s.disconnected({});
  (void)t.drain();
  EXPECT_FALSE(t.s.acknowledge(token));  // stored meanwhile: it need not come again
  t.connect(true);
  auto again = t.message(7, qos::exactly_once);
  again.dup = true;
  t.give(again);
  EXPECT_TRUE(t.drain().empty());
  EXPECT_EQ(t.sent(), lines{"PUBREC 7"});
  t.give(pubrel{.packet_id = 7});
  EXPECT_TRUE(t.drain().empty());
  EXPECT_EQ(t.sent(), lines{"PUBCOMP 7"});
  t.give(pubrel{.packet_id = 7});
  (void)t.drain();
  EXPECT_EQ(t.sent(), lines{"PUBCOMP 7 packet identifier not found"});
}

TEST(MqttSession, EveryPublishHasOneOutcome) {
  scripted t;
  ASSERT_TRUE(t.s.publish({.topic = "a"}, 1, start));
  ASSERT_TRUE(t.s.publish({.qos = qos::at_least_once, .topic = "a"}, 2, start));
  ASSERT_TRUE(t.s.publish({.qos = qos::exactly_once, .topic = "a"}, 3, start));
  EXPECT_EQ(t.sent(), (lines{"PUBLISH 0", "PUBLISH 1", "PUBLISH 2"}));
  EXPECT_EQ(t.drain().at(0).cookie, 1u);
  t.give(puback{.packet_id = 1, .reason = reason_code::not_authorized});
  const auto refused = t.drain();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].cookie, 2u);
  EXPECT_EQ(refused[0].reason, reason_code::not_authorized);
  t.give(puback{.packet_id = 1});
  EXPECT_TRUE(t.drain().empty());
  t.give(pubrec{.packet_id = 2});
  EXPECT_TRUE(t.drain().empty());
  EXPECT_EQ(t.sent(), lines{"PUBREL 2"});
  t.give(pubcomp{.packet_id = 2});
  EXPECT_EQ(t.drain().at(0).cookie, 3u);
  EXPECT_EQ(t.s.open_publishes(), 0u);
}

TEST(MqttSession, SendsWhatIsOpenAgainInOrder) {
  scripted t;
  for (const std::uint64_t cookie : {1, 2, 3})
    ASSERT_TRUE(t.s.publish({.qos = qos::exactly_once, .topic = "a"}, cookie, start));
  t.give(pubrec{.packet_id = 2});
  (void)t.drain();
  (void)t.sent();
  t.s.disconnected({});
  (void)t.drain();
  t.s.connected(start);
  (void)t.sent();
  t.give(connack{.session_present = true});
  EXPECT_EQ(t.drain().at(0).kind, event_kind::connected);
  EXPECT_EQ(t.sent(), (lines{"PUBLISH 1 dup", "PUBREL 2", "PUBLISH 3 dup"}));
}

TEST(MqttSession, ABrokerWithoutOurSessionGetsNewMessages) {
  scripted t;
  for (const std::uint64_t cookie : {1, 2})
    ASSERT_TRUE(t.s.publish({.qos = qos::exactly_once, .topic = "a"}, cookie, start));
  t.give(pubrec{.packet_id = 2});  // the broker has it: done
  (void)t.drain();
  t.s.disconnected({});
  (void)t.drain();
  t.s.connected(start);
  (void)t.sent();
  t.give(connack{});
  const auto events = t.drain();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind == event_kind::published ? events[0].cookie : events[1].cookie, 2u);
  EXPECT_EQ(t.sent(), lines{"PUBLISH 1"});
}

TEST(MqttSession, KeepsToTheBrokersReceiveMaximumAndOffer) {
  scripted t;
  t.said.number(property_id::receive_maximum, 2).number(property_id::maximum_qos, 1).number(property_id::retain_available, 0);
  t.s.disconnected({});
  (void)t.drain();
  t.connect();
  EXPECT_EQ(t.s.publish({.qos = qos::exactly_once, .topic = "a"}, 1, start).error().code,
            make_error_code(errc::unsupported_by_peer));
  EXPECT_FALSE(t.s.publish({.retain = true, .topic = "a"}, 1, start));
  EXPECT_TRUE(t.s.publish({.qos = qos::at_least_once, .topic = "a"}, 1, start));
  EXPECT_TRUE(t.s.publish({.qos = qos::at_least_once, .topic = "a"}, 2, start));
  EXPECT_EQ(t.s.publish({.qos = qos::at_least_once, .topic = "a"}, 3, start).error().code,
            make_error_code(errc::window_full));
}

TEST(MqttSession, ResolvesAliasesAndClosesOnAnUnknownOne) {
  scripted t;
  property_builder p;
  p.number(property_id::topic_alias, 3);
  t.give(publish{.topic = "a/b", .properties = p.list()});
  (void)t.drain();
  t.give(publish{.properties = p.list()});
  (void)t.drain();
  EXPECT_EQ(t.topics.back(), "a/b");
  p.clear();
  p.number(property_id::topic_alias, 4);
  t.give(publish{.properties = p.list()});
  EXPECT_EQ(t.drain().at(0).kind, event_kind::closed);
  EXPECT_EQ(t.sent(), lines{"DISCONNECT topic alias invalid"});
}

TEST(MqttSession, UsesAliasesWithinTheBrokersMaximum) {
  scripted t;
  t.said.number(property_id::topic_alias_maximum, 1);
  t.s.disconnected({});
  (void)t.drain();
  t.connect();
  ASSERT_TRUE(t.s.publish({.topic = "long/topic/name"}, 1, start));
  const auto first = t.s.output().size();
  ASSERT_TRUE(t.s.publish({.topic = "long/topic/name"}, 2, start));
  EXPECT_EQ(t.s.output().size() - first, first - 15);
}

TEST(MqttSession, PingsAndClosesWithoutAnAnswer) {
  scripted t;
  EXPECT_EQ(t.s.next_deadline(), start + 30s);
  t.s.on_time(start + 30s);
  EXPECT_EQ(t.sent(), lines{"PINGREQ"});
  t.s.on_time(start + 46s);
  const auto events = t.drain();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].error, make_error_code(errc::keep_alive_timeout));
}

TEST(MqttSession, ClosesWithoutConnack) {
  session s({});
  s.connected(start);
  s.on_time(start + 10s);
  EXPECT_EQ(s.next_event()->error, make_error_code(errc::connect_timeout));
}

TEST(MqttSession, TellsWhyItWasRefused) {
  session s({.version = version::v3_1_1});
  s.connected(start);
  const std::uint8_t refused[] = {0x20, 2, 0, 4};
  s.feed(refused, start);
  EXPECT_EQ(s.next_event()->reason, reason_code::bad_user_name_or_password);
  EXPECT_EQ(s.next_event()->kind, event_kind::closed);
  EXPECT_FALSE(s.next_event());
}

TEST(MqttSession, RefusesNoLocalOnASharedSubscription) {
  scripted t;
  EXPECT_FALSE(t.s.subscribe({{.filter = "$share/g/a", .no_local = true}}, 1, start));
  EXPECT_TRUE(t.s.subscribe({{.filter = "$share/g/a"}}, 1, start));
  t.s.disconnected({});
  const auto events = t.drain();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, event_kind::subscribed);
  EXPECT_TRUE(events[0].error);
}

TEST(MqttSession, AnUnfinishedPacketIsNotForgottenByAskingForEvents) {
  scripted t;
  byte_vector octets;
  ASSERT_TRUE(encode(t.message(7, qos::at_least_once), version::v5, octets));
  std::size_t events = 0;
  for (const auto& o : octets) {
    EXPECT_EQ(events, 0u);
    t.s.feed({&o, 1}, start);
    events += t.drain().size();
    events += t.drain().size();
  }
  EXPECT_EQ(events, 1u);
}

TEST(MqttSession, HandsChallengesToTheCaller) {
  scripted t({.authentication_method = "SCRAM"});
  property_builder p;
  p.text(property_id::authentication_method, "SCRAM").text(property_id::authentication_data, "nonce");
  t.give(auth{.reason = reason_code::continue_authentication, .properties = p.list()});
  EXPECT_EQ(t.drain().at(0).kind, event_kind::authenticate);
  ASSERT_TRUE(t.s.authenticate(reason_code::continue_authentication, "proof"));
  EXPECT_EQ(t.sent(), lines{"AUTH continue authentication"});
}

}  // namespace
}  // namespace msgkit::bridge::mqtt
