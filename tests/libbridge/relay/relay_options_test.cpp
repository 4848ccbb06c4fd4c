// What a relay does beyond moving messages: replicas, counts by rule, echoes, loops, one of several, rules that change.
#include <gtest/gtest.h>

#include "libbridge/relay/played_relay.hpp"

namespace msgkit::bridge {
namespace {

std::string quoted(std::string_view t) { return "$" + std::to_string(t.size()) + "\r\n" + std::string(t) + "\r\n"; }

// A relay with any rules, connected on all links that these want.
struct ruled {
  explicit ruled(const std::vector<rule_config>& rules, relay_options o = {}) : r(set_of(rules), std::move(o)) {
    r.connected(link::mqtt, start, wall);
    give(mqtt::connack{});
    for (const auto l : {link::writer, link::subscriber, link::reader})
      if (r.is_wanted(l)) connect(l);
  }
  static rule_set set_of(const std::vector<rule_config>& rules) {
    std::vector<rule_error> errors;
    auto set = rule_set::make(rules, errors);
    for (const auto& e : errors) EXPECT_TRUE(e.is_warning) << e.text;
    return set;
  }
  void connect(link l) {
    r.connected(l, now, wall);
    r.clear_output(l);
    feed(l, "%0\r\n");
  }
  void feed(link l, std::string_view octets) { r.feed(l, as_bytes(octets), now, wall); }
  template <class Packet>
  void give(const Packet& p) {
    byte_vector octets;
    ASSERT_TRUE(mqtt::encode(p, mqtt::version::v5, octets));
    r.feed(link::mqtt, octets, now, wall);
  }
  std::string taken(link l) {
    std::string out(as_text(r.output(l)));
    r.clear_output(l);
    return out;
  }
  void pass(std::chrono::milliseconds time) {
    now += time;
    r.on_time(now, wall);
  }
  time_point now = start;
  relay r;
};

rule_config make_rule(std::string name, endpoint from, std::string source, endpoint to, std::string target) {
  rule_config c;
  c.name = std::move(name);
  c.from = from;
  c.source = std::move(source);
  c.to = to;
  c.target = std::move(target);
  return c;
}

relay_options with_replicas() {
  relay_options o;
  o.wait_replicas = 2;
  return o;
}

TEST(RelayReplicas, AcknowledgesWhenTheyHaveIt) {
  played t(endpoint::stream, with_replicas());
  t.message(1);
  t.message(2);
  EXPECT_EQ(t.commands("\r\nWAIT\r\n"), 0u);
  t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.commands("\r\nWAIT\r\n$1\r\n2\r\n$4\r\n1000\r\n"), 1u);
  t.reply("$3\r\n1-2\r\n");
  EXPECT_EQ(t.commands("\r\nWAIT\r\n"), 0u);  // one at a time
  EXPECT_EQ(t.pubacks(), 0u);
  t.reply(":2\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  EXPECT_EQ(t.commands("\r\nWAIT\r\n"), 1u);
  t.reply(":3\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  EXPECT_EQ(t.r.counters().to_redis, 2u);
}

TEST(RelayReplicas, AsksAgainWhenTheyAreTooFew) {
  played t(endpoint::stream, with_replicas());
  t.message(1);
  t.reply("$3\r\n1-1\r\n");
  (void)t.commands();
  t.reply(":1\r\n");
  EXPECT_EQ(t.pubacks(), 0u);
  EXPECT_EQ(t.commands("\r\nWAIT\r\n"), 1u);
  EXPECT_EQ(t.r.counters().unreplicated, 1u);
  t.reply(":2\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
}

TEST(RelayReplicas, WritesAgainWhenTheConnectionIsLostBefore) {
  played t(endpoint::stream, with_replicas());
  t.message(1);
  t.reply("$3\r\n1-1\r\n");
  t.r.disconnected(link::writer, {}, start, wall);
  EXPECT_EQ(t.pubacks(), 0u);
  t.connect_redis();
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 1u);
  t.reply("$3\r\n2-1\r\n");
  t.reply(":2\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
}

TEST(RelayReplicas, ChannelsDoNotWait) {
  played t(endpoint::channel, with_replicas());
  t.message(1);
  t.reply(":1\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
}

TEST(RelayRules, CountsByRule) {
  played t(endpoint::channel);
  t.message(1);
  t.message(2);
  t.reply(":1\r\n:0\r\n");
  const auto& c = t.r.counters_of(0);
  EXPECT_EQ(c.received, 2u);
  EXPECT_EQ(c.forwarded, 2u);
  EXPECT_EQ(c.no_receiver, 1u);
  t.message(3);
  t.reply("-WRONGTYPE no\r\n");
  EXPECT_EQ(t.commands("\r\nrule\r\n$3\r\none\r\n"), 1u);  // a dead letter names it
  t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(c.dead, 1u);
  EXPECT_EQ(c.forwarded, 2u);
}

TEST(RelayRules, SuspectsALoopWhereARuleLeadsBack) {
  auto up = make_rule("up", endpoint::mqtt, "up/{x}", endpoint::channel, "c");
  auto down = make_rule("down", endpoint::channel, "d", endpoint::mqtt, "down");
  ruled t({up, down});
  ruled alone({up});
  bool suspected = false, suspected_alone = false;
  for (int second = 0; second < 80; ++second) {
    for (int i = 0; i < (second < 70 ? 5 : 300); ++i)
      for (auto* each : {&t, &alone}) {
        each->give(mqtt::publish{.topic = "up/1", .payload = as_bytes("x")});
        each->feed(link::writer, ":1\r\n");
      }
    for (auto* each : {&t, &alone}) each->now += 1s;
    suspected = suspected || t.r.is_loop_suspected(0, t.now);
    suspected_alone = suspected_alone || alone.r.is_loop_suspected(0, alone.now);
    EXPECT_TRUE(second >= 70 || !suspected);
  }
  EXPECT_TRUE(suspected);
  EXPECT_FALSE(suspected_alone);
  EXPECT_FALSE(t.r.is_loop_suspected(1, t.now));
}

TEST(RelayEcho, WhatItPublishedOnAChannelIsNotTakenBack) {
  auto up = make_rule("up", endpoint::mqtt, "t", endpoint::channel, "t");
  auto down = make_rule("down", endpoint::channel, "t", endpoint::mqtt, "t");
  up.allow_loop = true;
  relay_options o;
  o.echo_filter.emplace();
  ruled t({up, down}, o);
  t.give(mqtt::publish{.qos = mqtt::qos::at_least_once, .topic = "t", .packet_id = 1, .payload = as_bytes("x")});
  const auto echo = ">3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$1\r\nx\r\n";
  t.feed(link::subscriber, echo);
  EXPECT_EQ(t.r.counters().dropped_echo, 1u);
  t.feed(link::subscriber, echo);  // somebody else's
  EXPECT_EQ(t.r.counters().dropped_echo, 1u);
  EXPECT_EQ(t.r.counters().from_redis, 2u);
  EXPECT_NE(t.taken(link::mqtt).find("x-bridge"), std::string::npos);
}

TEST(RelayEcho, AnEchoOfAnOlderBrokerIsAcknowledgedAndDropped) {
  auto up = make_rule("up", endpoint::mqtt, "t", endpoint::channel, "t");
  auto down = make_rule("down", endpoint::channel, "t", endpoint::mqtt, "t");
  up.allow_loop = true;
  relay_options o;
  o.echo_filter.emplace();
  o.mqtt.version = mqtt::version::v3_1_1;
  relay r(ruled::set_of({up, down}), o);
  const auto give = [&r](const auto& p) {
    byte_vector octets;
    ASSERT_TRUE(mqtt::encode(p, mqtt::version::v3_1_1, octets));
    r.feed(link::mqtt, octets, start, wall);
  };
  r.connected(link::mqtt, start, wall);
  give(mqtt::connack{});
  r.connected(link::subscriber, start, wall);
  r.feed(link::subscriber, as_bytes("%0\r\n>3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$1\r\nx\r\n"), start, wall);
  r.clear_output(link::mqtt);
  give(mqtt::publish{.qos = mqtt::qos::at_least_once, .topic = "t", .packet_id = 9, .payload = as_bytes("x")});
  EXPECT_EQ(r.counters().dropped_echo, 1u);
  EXPECT_EQ(r.counters().unmatched, 0u);
  EXPECT_EQ(as_text(r.output(link::mqtt)), std::string_view("\x40\x02\x00\x09", 4));
}

TEST(RelayRules, CountsASubscriptionThatIsGrantedLessThanAskedFor) {
  auto up = make_rule("up", endpoint::mqtt, "t", endpoint::channel, "t");
  up.qos = 2;
  ruled t({up});
  const std::uint8_t granted = 1;
  t.give(mqtt::suback{.packet_id = 1, .reasons = {&granted, 1}});
  EXPECT_EQ(t.r.counters().subscriptions_weaker, 1u);
  EXPECT_EQ(t.r.counters().subscriptions_refused, 0u);
  EXPECT_TRUE(t.r.is_ready(link::mqtt));
}

// ---- one of several

struct single : ruled {
  single()
      : ruled([] {
          auto news = make_rule("news", endpoint::channel, "news", endpoint::mqtt, "news");
          news.single = true;
          return std::vector{news, make_rule("all", endpoint::channel, "all", endpoint::mqtt, "all")};
        }()) {}
};

TEST(RelaySingle, SubscribesWhileItHoldsTheLockAlone) {
  single t;
  EXPECT_EQ(t.taken(link::subscriber).find("news"), std::string::npos);
  EXPECT_NE(t.taken(link::writer).find(quoted("bridge:single")), std::string::npos);
  t.feed(link::subscriber, ">3\r\n$9\r\nsubscribe\r\n$3\r\nall\r\n:1\r\n");
  EXPECT_TRUE(t.r.is_ready(link::subscriber));  // standing by is as good
  t.feed(link::writer, ":0\r\n");
  EXPECT_FALSE(t.r.holds_single());
  t.pass(4s);
  EXPECT_NE(t.taken(link::writer).find("EVAL"), std::string::npos);
  t.feed(link::writer, ":1\r\n");
  EXPECT_TRUE(t.r.holds_single());
  EXPECT_EQ(t.taken(link::subscriber), "*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n");
  t.feed(link::subscriber, ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:2\r\n");
  t.pass(4s);
  t.feed(link::writer, ":0\r\n");  // somebody has it now
  EXPECT_EQ(t.taken(link::subscriber), "*2\r\n$11\r\nUNSUBSCRIBE\r\n$4\r\nnews\r\n");
}

TEST(RelaySingle, LetsGoWhenItCannotRenew) {
  single t;
  t.feed(link::subscriber, ">3\r\n$9\r\nsubscribe\r\n$3\r\nall\r\n:1\r\n");
  t.feed(link::writer, ":1\r\n");
  EXPECT_TRUE(t.r.holds_single());
  t.feed(link::subscriber, ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:2\r\n");
  (void)t.taken(link::subscriber);
  t.r.disconnected(link::writer, {}, t.now, wall);
  t.pass(9s);
  EXPECT_TRUE(t.r.holds_single());
  t.pass(2s);
  EXPECT_FALSE(t.r.holds_single());
  EXPECT_NE(t.taken(link::subscriber).find("UNSUBSCRIBE"), std::string::npos);
  EXPECT_GT(t.r.next_deadline(), t.now);
}

TEST(RelaySingle, GivesTheLockBackWhenItDrains) {
  single t;
  t.feed(link::writer, ":1\r\n");
  (void)t.taken(link::writer);
  t.r.drain();
  EXPECT_NE(t.taken(link::writer).find("DEL"), std::string::npos);
  EXPECT_FALSE(t.r.holds_single());
}

// ---- rules that change

TEST(RelayChange, WhatTheRulesHaveInCommonStaysSubscribed) {
  const auto a = make_rule("a", endpoint::mqtt, "a", endpoint::stream, "s"),
             b = make_rule("b", endpoint::mqtt, "b", endpoint::stream, "s"),
             c = make_rule("c", endpoint::mqtt, "c", endpoint::stream, "s");
  ruled t({a, b});
  (void)t.taken(link::mqtt);
  t.give(mqtt::publish{.qos = mqtt::qos::at_least_once, .topic = "a", .packet_id = 7, .payload = as_bytes("x")});
  (void)t.taken(link::writer);
  t.r.change_rules(ruled::set_of({b, c}), t.now, wall);
  byte_vector out(t.r.output(link::mqtt).begin(), t.r.output(link::mqtt).end());
  t.r.clear_output(link::mqtt);
  std::vector<std::string> filters;
  for (bytes_view rest = out; !rest.empty();) {
    const auto f = mqtt::next_frame(rest, 1'000);
    ASSERT_TRUE(f && *f);
    const auto p = mqtt::decode(**f, mqtt::version::v5);
    ASSERT_TRUE(p);
    if (const auto* s = std::get_if<mqtt::subscribe>(&*p))
      for (const auto& one : s->subscriptions) filters.push_back("+" + std::string(one.filter));
    if (const auto* u = std::get_if<mqtt::unsubscribe>(&*p))
      for (const auto& one : u->filters) filters.push_back("-" + std::string(one));
    rest = rest.subspan((*f)->size);
  }
  EXPECT_EQ(filters, (std::vector<std::string>{"+c", "-a"}));
  t.feed(link::writer, "$3\r\n1-1\r\n");  // what was open is finished
  EXPECT_EQ(t.taken(link::mqtt).substr(0, 1), "\x40");
  EXPECT_EQ(t.r.counters_of(0).received, 0u);
}

TEST(RelayChange, ChannelsAndStreamsFollow) {
  const auto channel = [](const char* name) { return make_rule(name, endpoint::channel, name, endpoint::mqtt, "t"); };
  ruled t({channel("one"), channel("two")});
  t.feed(link::subscriber, ">3\r\n$9\r\nsubscribe\r\n$3\r\none\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$3\r\ntwo\r\n:2\r\n");
  (void)t.taken(link::subscriber);
  EXPECT_FALSE(t.r.is_wanted(link::reader));
  t.r.change_rules(
      ruled::set_of({channel("two"), channel("six"), make_rule("in", endpoint::stream, "in", endpoint::mqtt, "t")}),
      t.now, wall);
  EXPECT_EQ(t.taken(link::subscriber),
            "*2\r\n$9\r\nSUBSCRIBE\r\n$3\r\nsix\r\n*2\r\n$11\r\nUNSUBSCRIBE\r\n$3\r\none\r\n");
  EXPECT_TRUE(t.r.is_wanted(link::reader));
  t.connect(link::reader);
  EXPECT_NE(t.taken(link::reader).find("XGROUP"), std::string::npos);
  t.r.change_rules(ruled::set_of({make_rule("up", endpoint::mqtt, "up", endpoint::stream, "s")}), t.now, wall);
  for (const auto l : {link::subscriber, link::reader}) {
    EXPECT_FALSE(t.r.is_wanted(l));
    EXPECT_TRUE(t.r.is_closed(l));
    t.r.disconnected(l, {}, t.now, wall);
  }
  EXPECT_TRUE(t.r.is_up(link::reader));
}

// The list of what is pending may be older than the XACK, and than its answer, which come over another connection.
TEST(RelayChange, AnEntryWhoseAckIsOnTheWayIsNotDeliveredAgain) {
  constexpr std::string_view entry =
      "%1\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\np\r\n$1\r\nx\r\n";
  constexpr std::string_view nothing = "%1\r\n$2\r\nin\r\n*0\r\n";
  for (const bool is_answered : {false, true}) {
    ruled t({make_rule("in", endpoint::stream, "in", endpoint::mqtt, "t")});
    if (!t.r.is_ready(link::reader)) t.connect(link::reader);
    t.feed(link::reader, "+OK\r\n*0\r\n");  // XGROUP, XPENDING
    t.feed(link::reader, nothing);
    t.feed(link::reader, entry);
    ASSERT_EQ(t.r.counters().from_redis, 1u);
    t.give(mqtt::puback{.packet_id = 1});
    ASSERT_NE(t.taken(link::writer).find("XACK"), std::string::npos);
    t.r.disconnected(link::reader, {}, t.now, wall);
    t.connect(link::reader);
    t.feed(link::reader, "+OK\r\n*0\r\n");  // XGROUP, XPENDING
    if (is_answered) t.feed(link::writer, ":1\r\n");
    t.feed(link::reader, entry);
    EXPECT_EQ(t.r.counters().from_redis, 1u) << is_answered;
    t.feed(link::reader, nothing);
    t.feed(link::reader, entry);  // a new one, as far as the bridge can know
    EXPECT_EQ(t.r.counters().from_redis, 2u) << is_answered;
  }
}

TEST(RelayChange, FiltersThatWentWhileTheBrokerWasAwayAreGivenUpLater) {
  const auto a = make_rule("a", endpoint::mqtt, "a", endpoint::stream, "s"),
             b = make_rule("b", endpoint::mqtt, "b", endpoint::stream, "s");
  ruled t({a, b});
  t.r.disconnected(link::mqtt, {}, t.now, wall);
  t.r.change_rules(ruled::set_of({b}), t.now, wall);
  t.r.connected(link::mqtt, t.now, wall);
  t.r.clear_output(link::mqtt);
  t.give(mqtt::connack{.session_present = true});
  const auto out = t.taken(link::mqtt);
  EXPECT_EQ(std::ranges::count(out, '\xa2'), 1);  // UNSUBSCRIBE
}

}  // namespace
}  // namespace msgkit::bridge
