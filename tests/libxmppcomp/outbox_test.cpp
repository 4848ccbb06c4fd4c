#include "msgkit/xmppcomp/outbox.hpp"

#include <gtest/gtest.h>

#include "fake_server.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using namespace std::chrono_literals;

namespace {

// One outbox through as many streams as a test wants.
struct script {
  explicit script(const outbox_options& options = {}) : box("sms.localhost", options) {}

  void push(std::uint64_t cookie, std::string_view body = "hello") {
    ASSERT_TRUE(box.push(user_message_to(body, "m" + std::to_string(cookie)), cookie, wall));
  }
  void open() {
    server.emplace();
    server->stream_id = "stream" + std::to_string(++streams);
    server->poison = poison;
    server->answers_pings = !silent;
    s.emplace(test_session_options(), now);
    exchange();
    ASSERT_TRUE(s->is_open());
  }
  // The server reads what we have written, and its answers stay on the way.
  void write() {
    box.pump(*s, wall);
    server->process(s->take_output());
  }
  void exchange() {
    for (int i = 0; i < 1'000; ++i) {
      write();
      s->feed(as_bytes(server->output), now);
      const bool any = !server->output.empty();
      drain();
      server->output.clear();
      if (!any || s->is_closed()) return;
    }
  }
  void cut(std::error_code reason = make_error_code(std::errc::connection_reset)) {
    s->disconnected(reason);
    drain();
  }
  void drain() {
    while (const auto e = s->next_event()) box.on_event(*e);
    while (const auto o = box.next_outcome()) outcomes.push_back(*o);
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> found;
    for (const auto& m : server->stanzas) found.emplace_back(m.get("id"));
    return found;
  }

  time_point now{1h};
  wall_time wall{1'700'000'000s};
  outbox box;
  std::optional<session> s;
  std::optional<fake_server> server;
  std::vector<outbox_outcome> outcomes;
  std::string poison;
  bool silent = false;  // the server answers no pings
  int streams = 0;
};

using names = std::vector<std::string>;

}  // namespace

TEST(Outbox, KeepsAnEntryUntilItsBarrierIsBack) {
  script t;
  t.open();
  t.push(1);
  t.write();
  EXPECT_EQ(t.ids(), names{"m1"});
  EXPECT_EQ(t.box.size(), 1u);
  EXPECT_TRUE(t.outcomes.empty());
  t.exchange();
  EXPECT_EQ(t.box.size(), 0u);
  ASSERT_EQ(t.outcomes.size(), 1u);
  EXPECT_EQ(t.outcomes[0].cookie, 1u);
  EXPECT_FALSE(t.outcomes[0].error);
}

// Weakness 11 of goippy: with the component down a message counted as sent and was gone.
TEST(GoippyWeaknesses, No11WhatIsPushedWhileTheServerIsDownArrivesOnceLater) {
  script t;
  for (std::uint64_t i = 1; i <= 5; ++i) t.push(i);
  t.wall += 1h;
  t.open();
  t.exchange();
  EXPECT_EQ(t.ids(), (names{"m1", "m2", "m3", "m4", "m5"}));
  EXPECT_EQ(t.outcomes.size(), 5u);
  EXPECT_EQ(delay_of(t.server->stanzas[0]), t.wall - 1h) << "with its own time";
}

TEST(Outbox, ACutAfterTheBarrierLosesAndRepeatsNothing) {
  script t;
  t.open();
  t.push(1);
  t.exchange();
  t.cut();
  t.open();
  t.exchange();
  EXPECT_TRUE(t.ids().empty());
  EXPECT_EQ(t.outcomes.size(), 1u);
}

TEST(Outbox, ACutBeforeTheBarrierSendsAgainUnderTheSameIdWithTheTime) {
  script t;
  t.open();
  t.push(1, "a < b");
  t.write();
  EXPECT_FALSE(delay_of(t.server->stanzas.at(0)));
  t.cut();
  EXPECT_TRUE(t.outcomes.empty());
  t.open();
  t.exchange();
  EXPECT_EQ(t.ids(), names{"m1"});
  EXPECT_EQ(t.server->stanzas[0].child_text("body"), "a < b");
  EXPECT_EQ(delay_of(t.server->stanzas[0]), t.wall);
  EXPECT_EQ(t.outcomes.size(), 1u);
}

TEST(Outbox, OnlyMessagesGetADelayAndOnlyOne) {
  script t;
  ASSERT_TRUE(t.box.push(make_presence("sms.localhost", "a@b"), 1, t.wall));
  auto delayed = user_message_to("x", "m2");
  delayed.add(make_delay("sms.localhost", wall_time{5s}));
  ASSERT_TRUE(t.box.push(delayed, 2, t.wall));
  t.wall += 1h;
  t.open();
  t.exchange();
  ASSERT_EQ(t.server->stanzas.size(), 2u);
  EXPECT_EQ(t.server->stanzas[0], make_presence("sms.localhost", "a@b"));
  EXPECT_EQ(t.server->stanzas[1], delayed);
}

TEST(Outbox, RefusesMoreThanItHolds) {
  script t({.entries_max = 2});
  t.push(1);
  t.push(2);
  EXPECT_EQ(t.box.push(user_message_to("x", "m3"), 3, t.wall).error().code, errc::queue_full);
  script b({.bytes_max = 300});
  b.push(1);
  EXPECT_EQ(b.box.push(user_message_to(std::string(200, 'x'), "m2"), 2, b.wall).error().code, errc::queue_full);
  script big;
  EXPECT_EQ(big.box.push(user_message_to(std::string(256 * 1024, 'x'), "m1"), 1, big.wall).error().code,
            errc::stanza_too_large);
  EXPECT_EQ(big.box.push(make_message("root@localhost", "a@b", "x"), 1, big.wall).error().code, errc::address_foreign);
}

TEST(Outbox, TheWindowBoundsWhatIsUnconfirmed) {
  script t({.window_entries = 10});
  t.open();
  for (std::uint64_t i = 1; i <= 25; ++i) t.push(i);
  t.write();
  EXPECT_EQ(t.server->stanzas.size(), 10u);
  EXPECT_EQ(t.box.in_flight(), 10u);
  t.exchange();
  EXPECT_EQ(t.server->stanzas.size(), 25u);
  EXPECT_EQ(t.outcomes.size(), 25u);
}

TEST(Outbox, SuspectsGoOneAtATimeAfterABrokenStream) {
  script t;
  t.open();
  for (std::uint64_t i = 1; i <= 3; ++i) t.push(i);
  t.write();
  t.cut();
  t.push(4);
  t.push(5);
  t.open();
  EXPECT_EQ(t.box.suspects(), 0u) << "open() has exchanged everything";
  EXPECT_EQ(t.ids(), (names{"m1", "m2", "m3", "m4", "m5"}));
  EXPECT_EQ(t.server->pings.size(), 4u) << "one for each suspect, one for the rest";
}

TEST(Outbox, PoisonIsQuarantinedAndTheOthersArrive) {
  script t;
  t.poison = "poison";
  for (std::uint64_t i = 1; i <= 9; ++i) t.push(i, i == 5 ? "poison" : "good");
  names arrived;
  for (int stream = 0; stream < 10 && t.box.size() > 0; ++stream) {
    t.server.emplace();
    t.server->stream_id = "stream" + std::to_string(stream);
    t.server->poison = t.poison;
    t.s.emplace(test_session_options(), t.now);
    t.exchange();
    for (const auto& id : t.ids()) arrived.push_back(id);
  }
  ASSERT_EQ(t.outcomes.size(), 9u);
  for (const auto& o : t.outcomes) {
    EXPECT_EQ(o.error, o.cookie == 5 ? make_error_code(errc::quarantined) : std::error_code{}) << o.cookie;
    EXPECT_EQ(o.cause, o.cookie == 5 ? make_error_code(stream_condition::not_well_formed) : std::error_code{});
  }
  // The four before it went twice: nobody knew that the server had read them.
  EXPECT_EQ(arrived, (names{"m1", "m2", "m3", "m4", "m1", "m2", "m3", "m4", "m6", "m7", "m8", "m9"}));
}

TEST(Outbox, RestartsAndConflictsBlameNoStanza) {
  script t;
  t.silent = true;
  t.push(1);
  for (const auto condition :
       {stream_condition::system_shutdown, stream_condition::conflict, stream_condition::reset}) {
    for (int i = 0; i < 5; ++i) {
      t.open();
      EXPECT_EQ(t.ids(), names{"m1"});
      std::string error;
      append_stream_error(error, condition);
      t.s->feed(as_bytes(error), t.now);
      t.drain();
      EXPECT_TRUE(t.outcomes.empty());
    }
  }
}

TEST(Outbox, AbandoningGivesEveryEntryItsOutcome) {
  script t;
  t.open();
  t.push(1);
  t.write();
  t.push(2);
  t.box.abandon(make_error_code(errc::session_closed));
  t.cut();
  ASSERT_EQ(t.outcomes.size(), 2u);
  EXPECT_EQ(t.outcomes[0].error, errc::session_closed);
  EXPECT_EQ(t.box.bytes(), 0u);
  EXPECT_EQ(t.box.in_flight(), 0u);
}
