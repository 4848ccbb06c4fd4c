// The relay in a Redis Cluster of two nodes that are played by hand: 7000 has the lower half of the slots.
#include <gtest/gtest.h>

#include <algorithm>

#include "msgkit/bridge/relay/relay.hpp"

namespace msgkit::bridge {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;
const wall_time wall{std::chrono::milliseconds{1'700'000'000'000}};
constexpr std::uint16_t low = 7000, high = 7001;

bool is_low(std::string_view key) { return redis::slot_of(key) < 8'192; }
// The first of PREFIX0, PREFIX1, ... at that node.
std::string name_at(std::string_view prefix, std::uint16_t node) {
  for (int i = 0;; ++i)
    if (auto name = std::string(prefix) + std::to_string(i); is_low(name) == (node == low)) return name;
}
std::string halves(std::uint16_t first = low, std::uint16_t second = high) {
  const auto row = [](int from, int to, int port) {
    return "*3\r\n:" + std::to_string(from) + "\r\n:" + std::to_string(to) +
           "\r\n*2\r\n$1\r\nh\r\n:" + std::to_string(port) + "\r\n";
  };
  return "*2\r\n" + row(0, 8'191, first) + row(8'192, 16'383, second);
}
std::string redirected(std::string_view how, std::string_view key, std::uint16_t to) {
  return "-" + std::string(how) + " " + std::to_string(redis::slot_of(key)) + " h:" + std::to_string(to) + "\r\n";
}

struct played_cluster {
  explicit played_cluster(std::vector<rule_config> rules) : r(make(std::move(rules)), options()) {
    r.connected(link::mqtt, start, wall);
    give(mqtt::connack{});
    const std::uint8_t granted = 1;
    give(mqtt::suback{.packet_id = 1, .reasons = {&granted, 1}});
    connect(link::writer, low);
    EXPECT_EQ(taken(link::writer, low), "CLUSTER SLOTS;");
    reply(link::writer, low, halves());
    connect(link::writer, high);
  }
  static rule_set make(std::vector<rule_config> rules) {
    std::vector<rule_error> errors;
    auto set = rule_set::make(rules, errors);
    EXPECT_TRUE(errors.empty());
    return set;
  }
  static relay_options options() {
    relay_options o;
    o.cluster = {{"h", low}};
    return o;
  }
  // The link of that role that is wanted to that node; link::mqtt when there is none.
  link to(link role, std::uint16_t port) const {
    for (std::size_t i = 1; i < r.link_count(); ++i)
      if (const auto l = link(i); r.role(l) == role && r.is_wanted(l) && r.address(l)->port == port) return l;
    return link::mqtt;
  }
  void connect(link role, std::uint16_t port) {
    const auto l = to(role, port);
    ASSERT_NE(l, link::mqtt) << port;
    r.connected(l, start, wall);
    r.clear_output(l);
    r.feed(l, as_bytes("%0\r\n"), start, wall);
  }
  void reply(link role, std::uint16_t port, std::string_view octets) {
    r.feed(to(role, port), as_bytes(octets), start, wall);
  }
  // The commands that left, the first three words of each.
  std::string taken(link role, std::uint16_t port) {
    const auto l = to(role, port);
    redis::decoder d;
    d.feed(r.output(l));
    std::string out;
    for (auto v = d.next(); v && *v; v = d.next()) {
      for (std::size_t i = 0; i < std::min<std::size_t>((*v)->size(), 3); ++i)
        out += (i == 0 ? "" : " ") + std::string((*v)->child(i).text());
      out += ";";
    }
    r.clear_output(l);
    return out;
  }
  template <class Packet>
  void give(const Packet& p) {
    byte_vector octets;
    ASSERT_TRUE(mqtt::encode(p, mqtt::version::v5, octets));
    r.feed(link::mqtt, octets, start, wall);
  }
  void message(std::uint16_t id, std::string_view topic) {
    give(mqtt::publish{.qos = mqtt::qos::at_least_once, .topic = topic, .packet_id = id, .payload = as_bytes("x")});
  }
  std::size_t pubacks() {
    const auto out = r.output(link::mqtt);
    const auto count = static_cast<std::size_t>(std::ranges::count(out, 0x40));
    r.clear_output(link::mqtt);
    return count;
  }
  relay r;
};

rule_config up(endpoint to = endpoint::stream) {
  rule_config c;
  c.name = "up";
  c.source = "{x}";
  c.to = to;
  c.target = "{x}";
  return c;
}

rule_config down(endpoint from, std::string source) {
  rule_config c;
  c.name = "down " + source;
  c.from = from;
  c.source = std::move(source);
  c.to = endpoint::mqtt;
  c.target = "out/t";
  return c;
}

TEST(RelayCluster, IsUpWhenItIsConnectedToEveryNodeThatOwnsSlots) {
  played_cluster t({up()});
  EXPECT_TRUE(t.r.is_up(link::writer));
  EXPECT_TRUE(t.r.is_up(link::reader));  // nothing to read
  t.r.disconnected(t.to(link::writer, high), {}, start, wall);
  EXPECT_FALSE(t.r.is_up(link::writer));
}

TEST(RelayCluster, WritesEachKeyWhereItsSlotIs) {
  played_cluster t({up()});
  const auto a = name_at("s", low), b = name_at("s", high);
  t.message(1, a);
  t.message(2, b);
  EXPECT_EQ(t.taken(link::writer, low), "XADD " + a + " *;");
  EXPECT_EQ(t.taken(link::writer, high), "XADD " + b + " *;");
  t.reply(link::writer, high, "$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 0u);  // in the order they came
  t.reply(link::writer, low, "$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 2u);
}

TEST(RelayCluster, FollowsMovedAndKnowsItFromThenOn) {
  played_cluster t({up()});
  const auto a = name_at("s", low);
  t.message(1, a);
  (void)t.taken(link::writer, low);
  t.reply(link::writer, low, redirected("MOVED", a, high));
  EXPECT_EQ(t.taken(link::writer, high), "XADD " + a + " *;");
  t.reply(link::writer, high, "$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  t.message(2, a);
  EXPECT_EQ(t.taken(link::writer, low), "");
  EXPECT_EQ(t.taken(link::writer, high), "XADD " + a + " *;");
  EXPECT_EQ(t.r.counters().retried, 0u);
  t.r.on_time(start + 200ms, wall);
  EXPECT_EQ(t.taken(link::writer, low) + t.taken(link::writer, high),
            "CLUSTER SLOTS;");  // for the rest of the map
}

TEST(RelayCluster, FollowsAskForOneCommandAlsoToANodeWithoutSlots) {
  played_cluster t({up()});
  const auto a = name_at("s", low);
  t.message(1, a);
  (void)t.taken(link::writer, low);
  t.reply(link::writer, low, redirected("ASK", a, 7002));
  EXPECT_EQ(t.taken(link::writer, low) + t.taken(link::writer, high), "");
  t.connect(link::writer, 7002);
  EXPECT_EQ(t.taken(link::writer, 7002), "ASKING;XADD " + a + " *;");
  t.reply(link::writer, 7002, "+OK\r\n$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  t.message(2, a);
  EXPECT_EQ(t.taken(link::writer, low), "XADD " + a + " *;");
}

TEST(RelayCluster, GivesUpANodeThatOwnsNothingAfterAWhile) {
  played_cluster t({up()});
  const auto a = name_at("s", low);
  t.message(1, a);
  t.reply(link::writer, low, redirected("ASK", a, 7002));
  EXPECT_NE(t.to(link::writer, 7002), link::mqtt);
  (void)t.taken(link::writer, low);
  t.r.on_time(start + 2min, wall);
  EXPECT_EQ(t.to(link::writer, 7002), link::mqtt);
  EXPECT_NE(t.taken(link::writer, low).find("XADD " + a),
            std::string::npos);  // asked anew
}

TEST(RelayCluster, WhatBelongsToANodeThatIsAwayWaitsAndTheRestGoesOn) {
  played_cluster t({up()});
  const auto a = name_at("s", low), b = name_at("s", high);
  t.message(1, a);
  const auto lost = t.to(link::writer, low);
  t.r.disconnected(lost, {}, start, wall);
  t.message(2, a);
  t.message(3, b);
  EXPECT_EQ(t.taken(link::writer, high), "XADD " + b + " *;");
  t.reply(link::writer, high, "$3\r\n1-1\r\n");
  EXPECT_EQ(t.r.open_messages(), 2u);
  // A replica takes over: the map says so, and what waited goes there.
  t.r.on_time(start + 2s, wall);
  EXPECT_EQ(t.taken(link::writer, high), "CLUSTER SLOTS;");
  t.reply(link::writer, high, halves(7005));
  t.connect(link::writer, 7005);
  EXPECT_EQ(t.taken(link::writer, 7005), "XADD " + a + " *;XADD " + a + " *;");
  EXPECT_FALSE(t.r.is_wanted(lost));
  t.reply(link::writer, 7005, "$3\r\n1-1\r\n$3\r\n1-2\r\n");
  EXPECT_EQ(t.pubacks(), 3u);
  EXPECT_TRUE(t.r.is_up(link::writer));
}

TEST(RelayCluster, OneNodeInTroubleDoesNotStopTheOthers) {
  played_cluster t({up()});
  const auto a = name_at("s", low), b = name_at("s", high);
  t.message(1, a);
  (void)t.taken(link::writer, low);
  t.reply(link::writer, low, "-LOADING Redis is loading\r\n");
  t.message(2, b);
  EXPECT_EQ(t.taken(link::writer, high), "XADD " + b + " *;");
  EXPECT_EQ(t.taken(link::writer, low), "");
  t.r.on_time(start + 1s, wall);
  EXPECT_NE(t.taken(link::writer, low).find("XADD " + a), std::string::npos);
}

TEST(RelayCluster, AsksItsFirstNodesAgainWhenAllAreAway) {
  played_cluster t({up()});
  t.r.disconnected(t.to(link::writer, high), {}, start, wall);
  t.r.disconnected(t.to(link::writer, low), {}, start, wall);
  t.connect(link::writer, low);
  EXPECT_FALSE(t.r.is_up(link::writer));
  t.r.on_time(start + 2s, wall);
  EXPECT_EQ(t.taken(link::writer, low), "CLUSTER SLOTS;");
}

TEST(RelayCluster, SubscribesEachShardWhereItsSlotIsAndAgainWhereItWent) {
  const auto a = name_at("c", low), b = name_at("c", high);
  played_cluster t({down(endpoint::sharded, a), down(endpoint::sharded, b)});
  t.connect(link::subscriber, low);
  t.connect(link::subscriber, high);
  EXPECT_EQ(t.taken(link::subscriber, low), "SSUBSCRIBE " + a + ";");
  EXPECT_EQ(t.taken(link::subscriber, high), "SSUBSCRIBE " + b + ";");
  const auto confirmed = [](std::string_view word, std::string_view name) {
    return ">3\r\n$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n$" +
           std::to_string(name.size()) + "\r\n" + std::string(name) + "\r\n:1\r\n";
  };
  t.reply(link::subscriber, low, confirmed("ssubscribe", a));
  EXPECT_FALSE(t.r.is_up(link::subscriber));
  t.reply(link::subscriber, high, confirmed("ssubscribe", b));
  EXPECT_TRUE(t.r.is_up(link::subscriber));
  // The slot leaves: the node says so, and another one says where it is.
  t.reply(link::subscriber, low, confirmed("sunsubscribe", a));
  EXPECT_FALSE(t.r.is_up(link::subscriber));
  EXPECT_EQ(t.taken(link::subscriber, low), "SSUBSCRIBE " + a + ";");
  t.reply(link::subscriber, low, redirected("MOVED", a, high));
  EXPECT_EQ(t.taken(link::subscriber, high), "SSUBSCRIBE " + a + ";");
  t.reply(link::subscriber, high, confirmed("ssubscribe", a));
  EXPECT_TRUE(t.r.is_up(link::subscriber));
}

TEST(RelayCluster, PlainChannelsAreSubscribedAtOneNodeAndAtAnotherWhenThatGoes) {
  played_cluster t({down(endpoint::channel, "c")});
  t.connect(link::subscriber, low);
  EXPECT_EQ(t.taken(link::subscriber, low), "SUBSCRIBE c;");
  t.reply(link::subscriber, low, ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
  EXPECT_TRUE(t.r.is_up(link::subscriber));
  t.r.disconnected(t.to(link::subscriber, low), {}, start, wall);
  EXPECT_FALSE(t.r.is_up(link::subscriber));
  t.connect(link::subscriber, high);
  EXPECT_EQ(t.taken(link::subscriber, high), "SUBSCRIBE c;");
}

TEST(RelayCluster, ReadsEachSlotByALinkOfItsOwnAndFollowsIt) {
  const auto a = name_at("in", low), b = name_at("in", high);
  played_cluster t({down(endpoint::stream, a), down(endpoint::stream, b)});
  t.connect(link::reader, low);
  t.connect(link::reader, high);
  EXPECT_EQ(t.taken(link::reader, low), "XGROUP CREATE " + a + ";XPENDING " + a + " msgkit;");
  t.reply(link::reader, low, "+OK\r\n*0\r\n");
  EXPECT_EQ(t.taken(link::reader, low), "XREADGROUP GROUP msgkit;");
  // The slot is on its way: one command at a time may be asked at the other node.
  const auto l = t.to(link::reader, low);
  t.reply(link::reader, low, redirected("ASK", a, 7002));
  EXPECT_TRUE(t.r.is_closed(l));
  t.r.disconnected(l, {}, start, wall);
  t.connect(link::reader, 7002);
  EXPECT_EQ(t.taken(link::reader, 7002), "ASKING;XGROUP CREATE " + a + ";ASKING;XPENDING " + a + " msgkit;");
  t.reply(link::reader, 7002, "+OK\r\n-BUSYGROUP exists\r\n+OK\r\n*0\r\n");
  EXPECT_EQ(t.taken(link::reader, 7002), "ASKING;XREADGROUP GROUP msgkit;");
  // It does not arrive after all.
  t.reply(link::reader, 7002, "+OK\r\n" + redirected("MOVED", a, low));
  EXPECT_EQ(t.r.address(l)->port, low);
  t.r.disconnected(l, {}, start, wall);
  t.connect(link::reader, low);
  EXPECT_EQ(t.taken(link::reader, low), "XGROUP CREATE " + a + ";XPENDING " + a + " msgkit;");
}

TEST(RelayCluster, AcknowledgesEntriesWhereTheirSlotWent) {
  const auto a = name_at("in", low);
  played_cluster t({down(endpoint::stream, a)});
  t.connect(link::reader, low);
  t.reply(link::reader, low, "+OK\r\n*0\r\n");
  t.reply(
      link::reader, low,
      "%1\r\n$" + std::to_string(a.size()) + "\r\n" + a + "\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\np\r\n$1\r\nx\r\n");
  t.give(mqtt::puback{.packet_id = 1});
  EXPECT_EQ(t.taken(link::writer, low), "XACK " + a + " msgkit;");
  t.reply(link::writer, low, redirected("MOVED", a, high));
  EXPECT_EQ(t.taken(link::writer, high), "XACK " + a + " msgkit;");
  t.reply(link::writer, high, ":1\r\n");
  t.r.drain();
  EXPECT_TRUE(t.r.is_drained());
}

}  // namespace
}  // namespace msgkit::bridge
