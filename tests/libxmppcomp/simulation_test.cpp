// The outbox and its sessions against a server, over connections that break at any octet in either direction, with time
// by hand. Whatever happens: one outcome per push; what is confirmed the server has processed; what the server
// processed twice was never confirmed in between; limits hold.
#include <gtest/gtest.h>

#include <map>

#include "fake_server.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/outbox.hpp"
#include "support/random_source.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using namespace std::chrono_literals;
using msgkit::test::random_source;

namespace {

constexpr std::uint64_t messages_max = 60;
constexpr outbox_options limits{.entries_max = 20, .window_entries = 7};

struct world {
  explicit world(std::uint64_t seed)
      : random(seed), poison_cookie(random.chance(0.3) ? random.between(1, messages_max) : 0) {}

  void run() {
    for (int step = 0; step < 20'000 && (pushed < messages_max || box.size() > 0); ++step) {
      // Towards the end the world calms down, so that everything can come to its end.
      breaks = step < 3'000 ? 0.01 : 0;
      if (random.chance(0.3)) push();
      if (!s) connect();
      else if (random.chance(breaks)) cut();
      else turn();
      if (HasFailure()) return;
    }
    finish();
  }

  void push() {
    if (pushed == messages_max) return;
    const auto cookie = pushed + 1;
    const auto done = box.push(user_message_to(cookie == poison_cookie ? "poison" : "hello", std::to_string(cookie)),
                               cookie, wall);
    if (done) ++pushed;
    else EXPECT_EQ(done.error().code, errc::queue_full);
    EXPECT_LE(box.size(), limits.entries_max);
  }

  void connect() {
    server.emplace();
    server->stream_id = "stream" + std::to_string(++streams);
    server->poison = "poison";
    to_server.clear();
    s.emplace(test_session_options(), now);
  }

  // Moves some octets one way or the other, in pieces of any size, or time.
  void turn() {
    box.pump(*s, wall);
    EXPECT_LE(box.in_flight(), limits.window_entries);
    to_server += s->take_output();
    if (random.chance(0.5)) {
      const auto count = random.between(0, to_server.size());
      server->process(std::string_view(to_server).substr(0, count));
      to_server.erase(0, count);
      take_stanzas();
    } else {
      const auto count = random.between(0, server->output.size());
      const auto octets = server->output.substr(0, count);
      server->output.erase(0, count);
      s->feed(as_bytes(octets), now);
      drain();
    }
    if (s && random.chance(0.05)) {
      now += 100ms, wall += 100ms;
      s->on_time(now);
      drain();
    }
    if (s && server->is_closed && server->output.empty()) cut();
  }

  void cut() {
    // Part of what is under way may still reach the server, and is then processed though nobody here will know.
    server->process(std::string_view(to_server).substr(0, random.between(0, to_server.size())));
    take_stanzas();
    s->disconnected(random.chance(0.5) ? make_error_code(std::errc::connection_reset) : std::error_code{});
    drain();
  }

  void take_stanzas() {
    for (const auto& m : server->stanzas) {
      const auto cookie = std::stoull(std::string(m.get("id")));
      EXPECT_FALSE(outcomes.contains(cookie)) << "sent again after its outcome";
      ++processed[cookie];
    }
    server->stanzas.clear();
  }

  void drain() {
    bool closed = false;
    while (const auto e = s->next_event()) {
      box.on_event(*e);
      closed |= e->kind == event_kind::closed;
    }
    while (const auto o = box.next_outcome()) {
      EXPECT_TRUE(outcomes.emplace(o->cookie, o->error).second) << "two outcomes for " << o->cookie;
      EXPECT_TRUE(o->error || processed[o->cookie] > 0) << "confirmed and not processed: " << o->cookie;
    }
    if (closed) s.reset();
  }

  void finish() {
    EXPECT_EQ(pushed, messages_max);
    EXPECT_EQ(outcomes.size(), messages_max);
    for (const auto& [cookie, error] : outcomes) {
      if (cookie == poison_cookie) {
        EXPECT_EQ(error, errc::quarantined);
        EXPECT_EQ(processed[cookie], 0);
      } else if (error) {
        // An innocent message is put aside only when it was alone in flight each time chance cut the connection.
        EXPECT_EQ(error, errc::quarantined);
        ++innocent;
      }
    }
  }
  static bool HasFailure() { return testing::Test::HasFailure(); }

  random_source random;
  std::uint64_t poison_cookie;
  time_point now{1h};
  wall_time wall{1'700'000'000s};
  double breaks = 0;
  outbox box{"sms.localhost", limits};
  std::optional<session> s;
  std::optional<fake_server> server;
  std::string to_server;  // written, not read yet
  int streams = 0;
  std::uint64_t pushed = 0;
  std::map<std::uint64_t, int> processed;
  std::map<std::uint64_t, std::error_code> outcomes;
  int innocent = 0;
};

}  // namespace

TEST(OutboxSimulation, NoBarrierIsLostOrDoubledWhereverTheConnectionBreaks) {
  int streams = 0, repeated = 0, innocent = 0, quarantined = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    world w(seed);
    w.run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    streams += w.streams;
    innocent += w.innocent;
    quarantined += w.poison_cookie != 0;
    for (const auto& [cookie, times] : w.processed) repeated += times > 1;
  }
  EXPECT_GT(streams, 500) << "connections did break";
  EXPECT_GT(repeated, 50) << "and some messages went twice";
  EXPECT_GT(quarantined, 50);
  EXPECT_LT(innocent, 200 * static_cast<int>(messages_max) / 100) << "below one in a hundred, with a cut every second";
}

TEST(OutboxSimulation, ACutAtEveryOctetOfTheServersAnswer) {
  // One message and its barrier; the connection breaks after each octet of what the server answers.
  for (std::size_t kept = 0;; ++kept) {
    outbox box("sms.localhost");
    ASSERT_TRUE(box.push(user_message_to("hello", "m1"), 1, wall_time{}));
    std::size_t answer_size = 0, processed = 0, outcomes = 0;
    for (int stream = 0; stream < 2; ++stream) {
      fake_server server;
      server.stream_id = "s" + std::to_string(stream);
      session s(test_session_options(), time_point{});
      std::string answered;
      for (int i = 0; i < 10 && !s.is_closed(); ++i) {
        box.pump(s, wall_time{});
        server.process(s.take_output());
        auto answer = server.take_output();
        answer_size += stream == 0 ? answer.size() : 0;
        if (stream == 0) answer = answer.substr(0, std::min(answer.size(), kept - std::min(kept, answered.size())));
        answered += answer;
        s.feed(as_bytes(answer), time_point{});
        while (const auto e = s.next_event()) box.on_event(*e);
      }
      processed += server.stanzas.size();
      s.disconnected({});
      while (const auto e = s.next_event()) box.on_event(*e);
      while (box.next_outcome()) ++outcomes;
    }
    ASSERT_EQ(outcomes, 1u) << kept;
    ASSERT_GE(processed, 1u) << kept;
    ASSERT_LE(processed, 2u) << kept;
    if (kept > 2'000) break;
    if (answer_size > 0 && kept > answer_size && processed == 1) break;
  }
}
