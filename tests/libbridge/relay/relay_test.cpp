#include "libbridge/relay/played_relay.hpp"

#include <gtest/gtest.h>


#include "libbridge/spool/memory_files.hpp"

namespace msgkit::bridge {
namespace {

TEST(Relay, AcknowledgesWhenRedisHasIt) {
  played t;
  t.message(7);
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 1u);
  EXPECT_EQ(t.pubacks(), 0u);
  t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  EXPECT_EQ(t.r.counters().to_redis, 1u);
  EXPECT_EQ(t.r.open_messages(), 0u);
}

TEST(Relay, HoldsTheAcknowledgementWhileRedisIsAwayAndSendsAgain) {
  played t;
  t.message(7);
  t.r.disconnected(link::writer, {}, start, wall);
  for (std::uint16_t id = 8; id < 108; ++id) t.message(id);
  EXPECT_EQ(t.pubacks(), 0u);
  EXPECT_EQ(t.r.open_messages(), 101u);
  t.connect_redis();
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 101u);
  for (int i = 0; i < 101; ++i) t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.r.open_messages(), 0u);
  EXPECT_EQ(t.r.counters().to_redis, 101u);
  EXPECT_GE(t.pubacks(), 101u);
}

TEST(Relay, DropsQos0BeyondItsQueueAndCounts) {
  relay_options o;
  o.queue_max = 10;
  played t(endpoint::channel, o);
  t.r.disconnected(link::writer, {}, start, wall);
  for (int i = 0; i < 25; ++i) t.message(0);
  EXPECT_EQ(t.r.counters().dropped_full, 15u);
  EXPECT_EQ(t.r.open_messages(), 10u);
}

TEST(Relay, TakesNothingThatCameThroughItOrTooManyOthers) {
  played t;
  t.message(7, "a/1", "msgkit:1");
  t.message(8, "a/1", "other:2");
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 0u);
  EXPECT_EQ(t.r.counters().dropped_loop, 2u);
  EXPECT_EQ(t.pubacks(), 2u);  // done with, not to come again
  t.message(9, "a/1", "other:1");
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 1u);
}

TEST(Relay, WaitsAndTriesAgainWhenRedisIsBusy) {
  played t;
  t.message(7);
  (void)t.commands();
  t.reply("-LOADING Redis is loading\r\n");
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 0u);
  t.r.on_time(start + 1s, wall);
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 1u);
  t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
}

TEST(Relay, BuriesWhatRedisRefusesForGoodThenAcknowledges) {
  played t;
  t.message(7);
  (void)t.commands();
  t.reply("-WRONGTYPE Operation against a key\r\n");
  EXPECT_EQ(t.pubacks(), 0u);
  const std::string buried(as_text(t.r.output(link::writer)));
  EXPECT_NE(buried.find("\r\norigin\r\n"), std::string::npos);
  EXPECT_NE(buried.find("\r\np\r\n$1\r\nx\r\n"), std::string::npos) << buried;
  EXPECT_EQ(t.commands("\r\nbridge:dead\r\n"), 1u);
  t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  EXPECT_EQ(t.r.counters().dead, 1u);
}

TEST(Relay, TakesNoMoreThanItsWindowFromABrokerThatOverstepsIt) {
  relay_options o;
  o.mqtt.keep_alive = 1s;
  played t(endpoint::stream, o);
  const auto window = t.window();
  byte_vector octets;
  for (std::uint16_t id = 1; id <= 2 * window + 5; ++id)
    ASSERT_TRUE(mqtt::encode(mqtt::publish{.qos = mqtt::qos::at_least_once, .topic = "a/1", .packet_id = id,
                                           .payload = as_bytes("x")}, mqtt::version::v5, octets));
  t.r.feed(link::mqtt, octets, start, wall);
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), window + 1u);
  EXPECT_FALSE(t.r.may_read(link::mqtt));
  for (const auto after : {1s, 2s, 3s, 4s}) t.r.on_time(start + after, wall);  // a PINGRESP may be behind what is kept
  EXPECT_FALSE(t.r.is_closed(link::mqtt));
  std::size_t sent = window + 1u;
  for (std::size_t i = 0; i < 2u * window + 5; ++i) {
    t.reply("$3\r\n1-1\r\n");
    sent += t.commands("\r\nXADD\r\n");
    EXPECT_LE(t.r.open_messages(), window + 1u);
  }
  EXPECT_EQ(sent, 2u * window + 5);
  EXPECT_EQ(t.r.open_messages(), 0u);
  EXPECT_TRUE(t.r.may_read(link::mqtt));
}

TEST(Relay, CountsPublishesThatNobodyHeard) {
  played t(endpoint::channel);
  t.message(7);
  EXPECT_EQ(t.commands("\r\nPUBLISH\r\n"), 1u);
  t.reply(":0\r\n");
  EXPECT_EQ(t.r.counters().no_receiver, 1u);
  EXPECT_EQ(t.pubacks(), 1u);
}

TEST(Relay, TakesNothingNewWhileItDrains) {
  played t;
  t.message(7);
  t.r.drain();
  t.message(8);
  EXPECT_FALSE(t.r.is_drained());
  t.reply("$3\r\n1-1\r\n");
  EXPECT_TRUE(t.r.is_drained());
  EXPECT_EQ(t.pubacks(), 1u);
}

// ---- with a spool

struct spooled : played {
  explicit spooled(std::shared_ptr<memory_disk> d = std::make_shared<memory_disk>(), spool_options o = {})
      : played(endpoint::stream, with_spool(d, o),
               [] {
                 rule_config c;
                 c.spool = true;
                 return c;
               }()),
        disk(std::move(d)) {}
  static relay_options with_spool(const std::shared_ptr<memory_disk>& d, spool_options so) {
    relay_options o;
    o.spool = *spool::open(std::make_unique<memory_files>(d), so);
    return o;
  }
  void sync() {
    ASSERT_TRUE(r.wants_sync());
    r.end_sync(r.begin_sync()(), start, wall);
  }
  std::shared_ptr<memory_disk> disk;
};

TEST(RelaySpool, AcknowledgesWhenItIsSyncedAlthoughRedisIsAway) {
  spooled t;
  t.r.disconnected(link::writer, {}, start, wall);
  for (std::uint16_t id = 7; id < 57; ++id) t.message(id);
  EXPECT_EQ(t.pubacks(), 0u);
  t.sync();  // one for all
  EXPECT_EQ(t.pubacks(), 50u);
  EXPECT_EQ(t.r.open_messages(), 0u);
  t.connect_redis();
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 50u);
  for (int i = 0; i < 50; ++i) t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.r.counters().to_redis, 50u);
  EXPECT_EQ(t.r.spool()->waiting(), 0u);
}

TEST(RelaySpool, ANewProcessDeliversWhatTheOldOneHadAcknowledged) {
  const auto disk = std::make_shared<memory_disk>();
  {
    spooled t(disk);
    t.r.disconnected(link::writer, {}, start, wall);
    for (std::uint16_t id = 7; id < 17; ++id) t.message(id);
    t.sync();
    EXPECT_EQ(t.pubacks(), 10u);
    t.message(17);  // not synced, thus not acknowledged
  }
  disk->crash();
  spooled t(disk);
  for (int i = 0; i < 10; ++i) t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.r.counters().to_redis, 10u);
  EXPECT_EQ(t.r.spool()->waiting(), 0u);
}

TEST(RelaySpool, HoldsTheAcknowledgementWhileTheDiskIsFullAndDropsWhatNobodyWaitsFor) {
  spooled t;
  t.disk->fail_append = std::make_error_code(std::errc::no_space_on_device);
  t.message(7);
  t.message(0);
  EXPECT_FALSE(t.r.is_spool_writable());
  EXPECT_EQ(t.r.open_messages(), 1u + 1u);  // the second one is judged with the next try
  t.r.on_time(start + 1s, wall);
  EXPECT_EQ(t.r.open_messages(), 1u);
  EXPECT_EQ(t.r.counters().dropped_full, 1u);
  EXPECT_EQ(t.pubacks(), 0u);
  t.disk->fail_append = {};
  t.r.on_time(start + 2s, wall);
  EXPECT_TRUE(t.r.is_spool_writable());
  t.sync();
  EXPECT_EQ(t.pubacks(), 1u);
}

TEST(RelaySpool, AcknowledgesNothingAfterAFailedSync) {
  spooled t;
  t.message(7);
  t.disk->fail_sync = std::make_error_code(std::errc::io_error);
  t.sync();
  EXPECT_EQ(t.pubacks(), 0u);
  EXPECT_FALSE(t.r.is_spool_writable());
  EXPECT_FALSE(t.r.wants_sync());
}

TEST(RelaySpool, KeepsNoMoreInMemoryThanItMayReadAhead) {
  relay_options o = spooled::with_spool(std::make_shared<memory_disk>(), {});
  o.spool_ahead_max = 20;
  rule_config c;
  c.spool = true;
  played t(endpoint::stream, o, c);
  for (std::uint16_t id = 1; id <= 200; ++id) t.message(id);
  t.r.end_sync(t.r.begin_sync()(), start, wall);
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 20u);
  t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.commands("\r\nXADD\r\n"), 1u);
}

// ---- limits, duplicates

TEST(Relay, StopsReadingWhenItsOpenMessagesAreTooLarge) {
  relay_options o;
  o.queue_bytes_max = 30;
  played t(endpoint::stream, o);
  t.r.disconnected(link::writer, {}, start, wall);
  std::uint16_t id = 7;
  while (t.r.may_read(link::mqtt) && id < 20) t.message(id++);
  EXPECT_LT(id, 20);
  t.message(0);
  EXPECT_EQ(t.r.counters().dropped_full, 1u);
  EXPECT_EQ(t.r.open_messages(), static_cast<std::size_t>(id - 7));
}

TEST(Relay, DropsWhatWasSeenBeforeAndAcknowledgesIt) {
  rule_config c;
  c.dedupe = "{prop:x-bridge}{payload}";
  played t(endpoint::stream, {}, c);
  t.message(7);
  EXPECT_EQ(t.commands("\r\n{s:1}:seen:x\r\n"), 1u);
  t.reply("_\r\n");
  EXPECT_EQ(t.pubacks(), 1u);
  EXPECT_EQ(t.r.counters().duplicates, 1u);
  EXPECT_EQ(t.r.counters().to_redis, 0u);
}

TEST(Relay, ADeadLetterHoldsThePayload) {
  played t;
  t.message(7);
  (void)t.commands();
  t.reply("-WRONGTYPE Operation against a key\r\n");
  EXPECT_EQ(t.commands("\r\norigin\r\n$3\r\na/1\r\n$1\r\np\r\n$1\r\nx\r\n"), 1u);
}

// Case 45: 60 s at 1 000 messages/s, in turns QoS 0 and QoS 1.
TEST(Relay, AMinuteWithoutRedisKeepsItsLimitsAndThenDeliversAllThatWasToBeAcknowledged) {
  played t;
  t.r.disconnected(link::writer, {}, start, wall);
  std::uint16_t id = 0;
  std::size_t unanswered = 0;
  for (int i = 0; i < 60'000; ++i) {
    if (i % 2 == 0) t.message(0);
    else if (unanswered < t.window() && ++unanswered != 0) t.message(++id);
    ASSERT_TRUE(t.r.may_read(link::mqtt));  // a broker within the window is heard all the time
    ASSERT_LE(t.r.open_messages(), 11'001u + 10'000u);
  }
  EXPECT_EQ(t.pubacks(), 0u);
  EXPECT_GT(t.r.counters().dropped_full, 0u);
  EXPECT_EQ(t.r.counters().dropped_full + t.r.open_messages(), 30'000u + unanswered);  // nothing vanished unseen
  t.connect_redis();
  const auto waiting = t.r.open_messages();
  for (std::size_t i = 0; i < waiting; ++i) t.reply("$3\r\n1-1\r\n");
  EXPECT_EQ(t.r.counters().to_redis, waiting);
  EXPECT_EQ(t.r.open_messages(), 0u);
  EXPECT_TRUE(t.r.may_read(link::mqtt));
}

// An entry that was pending since an earlier process, delivered `times` before.
relay_counters pending_entry(int times) {
  rule_config c;
  c.name = "out";
  c.from = endpoint::stream;
  c.source = "in";
  c.to = endpoint::mqtt;
  c.target = "t";
  std::vector<rule_error> errors;
  relay r(rule_set::make(std::vector{c}, errors), {});
  r.connected(link::mqtt, start, wall);
  byte_vector connack;
  EXPECT_TRUE(mqtt::encode(mqtt::connack{}, mqtt::version::v5, connack));
  r.feed(link::mqtt, connack, start, wall);
  for (const auto l : {link::writer, link::reader}) {
    r.connected(l, start, wall);
    r.feed(l, as_bytes("%0\r\n"), start, wall);
  }
  r.feed(link::reader, as_bytes("+OK\r\n*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:9\r\n:" + std::to_string(times) + "\r\n"),
         start, wall);
  r.clear_output(link::writer);
  r.feed(link::reader, as_bytes("%1\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\np\r\n$1\r\nx\r\n"), start,
         wall);
  if (as_text(r.output(link::writer)).find("bridge:dead") != std::string_view::npos) {
    r.clear_output(link::writer);
    r.feed(link::writer, as_bytes("$3\r\n1-1\r\n"), start, wall);
    EXPECT_NE(as_text(r.output(link::writer)).find("XACK"), std::string_view::npos);
  }
  return r.counters();
}

TEST(Relay, AnEntryDeliveredTooOftenBecomesADeadLetter) {
  EXPECT_EQ(pending_entry(4).dead, 0u);
  EXPECT_EQ(pending_entry(5).dead, 1u);
  EXPECT_EQ(pending_entry(5).to_mqtt, 0u);
}

}  // namespace
}  // namespace msgkit::bridge
