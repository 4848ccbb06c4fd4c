// The component and its reconnecting, in virtual time over a virtual network, and over loopback with TCP and TLS.
#include "msgkit/xmppcomp/net/component.hpp"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <filesystem>

#include "../fake_server.hpp"
#include "libsmpp/net/certificates.hpp"
#include "msgkit/core/net/acceptor.hpp"
#include "msgkit/core/net/token.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "support/loopback.hpp"
#include "support/virtual_network.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using namespace msgkit::test;
using namespace std::chrono_literals;

namespace {

// A fake_server on each stream that is accepted.
struct server_end final : stream_handler {
  void on_bytes(bytes_view octets) override {
    if (is_deaf) return;
    server.process(as_text(octets));
    send();
  }
  void on_closed(std::error_code) override { is_gone = true; }
  void send() {
    transport->write(as_bytes(server.take_output()));
    transport->flush();
    if (server.is_closed) transport->close_after_flush();
  }
  std::shared_ptr<stream> transport;
  fake_server server;
  bool is_deaf = false, is_gone = false;
};

struct host {
  void accept(std::shared_ptr<stream> transport) {
    auto end = std::make_shared<server_end>();
    end->transport = transport;
    end->server.stream_id = "stream" + std::to_string(ends.size());
    end->server.secret = secret;
    end->server.answers_pings = answers_pings;
    end->server.poison = poison;
    end->is_deaf = is_deaf;
    ends.push_back(end);
    transport->start(end);
  }
  std::size_t messages() const {
    std::size_t count = 0;
    for (const auto& e : ends) count += e->server.stanzas.size();
    return count;
  }
  std::vector<std::shared_ptr<server_end>> ends;
  std::string secret = "test", poison;
  bool answers_pings = true, is_deaf = false;
};

struct recorder final : component_handler {
  void on_open(component&) override { ++opened; }
  void on_closed(component&, std::error_code reason, std::chrono::milliseconds retry_in) override {
    reasons.push_back(reason);
    retries.push_back(retry_in);
  }
  void on_stanza(component& c, const element& stanza) override {
    stanzas.push_back(stanza);
    if (is_request(stanza)) (void)c.send(make_error(stanza, stanza_condition::service_unavailable));
  }
  void on_outcome(component&, const outbox_outcome& o) override { outcomes.push_back(o); }
  void on_room(component&) override { ++rooms; }
  std::size_t opened = 0, rooms = 0;
  std::vector<std::error_code> reasons;
  std::vector<std::chrono::milliseconds> retries;
  std::vector<element> stanzas;
  std::vector<outbox_outcome> outcomes;
};

struct Component : ::testing::Test {
  Component() {
    network.set_quality({.latency_min = 5ms, .latency_max = 20ms, .piece_max = 64});
    listen();
    options.session = test_session_options();
    options.dial = [this](connector::handler done) { network.dial("us", "server", std::move(done)); };
    options.seed = 1;
  }
  ~Component() override {
    if (c) c->stop();
    loop.run_for(60s);
    network.shutdown();
    loop.run_for(1s);
  }
  void listen() {
    network.listen("server", [this](std::shared_ptr<stream> s) { far.accept(std::move(s)); });
  }
  void start() {
    c = component::make(loop.executor(), options, seen);
    c->start();
  }
  bool wait(const std::function<bool()>& done, duration limit = 10min) { return loop.run_until(done, limit); }
  void open() {
    start();
    ASSERT_TRUE(wait([&] { return c->is_open(); }));
  }

  virtual_loop loop;
  random_source random{1};
  virtual_network network{loop, random};
  host far;
  component_options options;
  std::shared_ptr<recorder> seen = std::make_shared<recorder>();
  std::shared_ptr<component> c;
};

}  // namespace

TEST_F(Component, PushesReachTheServerAndAreConfirmed) {
  open();
  for (std::uint64_t i = 1; i <= 500; ++i) ASSERT_TRUE(c->push(user_message_to("x", std::to_string(i)), i));
  ASSERT_TRUE(wait([&] { return seen->outcomes.size() == 500; }));
  EXPECT_EQ(far.messages(), 500u);
  for (std::uint64_t i = 1; i <= 500; ++i) {
    EXPECT_EQ(seen->outcomes[i - 1].cookie, i);
    EXPECT_FALSE(seen->outcomes[i - 1].error);
  }
  EXPECT_LT(far.ends[0]->server.pings.size(), 100u) << "barriers are shared";
}

TEST_F(Component, StanzasOfTheServerComeIn) {
  open();
  far.ends[0]->server.output = "<iq type='get' id='1' from='a@b' to='sms.localhost'><query xmlns='urn:odd'/></iq>"
                               "<message from='a@b' to='+47@sms.localhost'><body>hello</body></message>";
  far.ends[0]->send();
  ASSERT_TRUE(wait([&] { return seen->stanzas.size() == 2 && far.messages() == 1; }));
  EXPECT_EQ(parse_stanza_error(far.ends[0]->server.stanzas[0])->condition, stanza_condition::service_unavailable);
}

TEST_F(Component, WhatWasPushedWhileTheServerWasAwayArrivesOnce) {
  open();
  network.unlisten("server");
  network.kill("server");
  ASSERT_TRUE(wait([&] { return !c->is_open(); }));
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(c->push(user_message_to("x", std::to_string(i)), i));
  loop.run_for(2min);
  EXPECT_TRUE(seen->outcomes.empty());
  EXPECT_EQ(c->send(user_message_to("x", "y")).error().code, errc::not_connected);
  listen();
  ASSERT_TRUE(wait([&] { return seen->outcomes.size() == 20; }));
  EXPECT_EQ(far.messages(), 20u);
}

// Case 41: no busy loop, whatever the server does.
TEST_F(Component, TriesAgainWithGrowingPausesAndJitter) {
  network.unlisten("server");
  start();
  loop.run_for(10min);
  ASSERT_GE(seen->retries.size(), 8u);
  EXPECT_LT(seen->retries.size(), 30u);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto nominal = std::min(60'000ms, 1'000ms * (1 << i));
    EXPECT_GE(seen->retries[i], nominal * 4 / 5) << i;
    EXPECT_LE(seen->retries[i], nominal * 6 / 5) << i;
  }
}

TEST_F(Component, AWrongSecretIsTriedAgainAMinuteLater) {
  far.secret = "another";
  start();
  loop.run_for(10min);
  ASSERT_FALSE(seen->reasons.empty());
  EXPECT_EQ(seen->reasons[0], stream_condition::not_authorized);
  EXPECT_LE(far.ends.size(), 13u);
  EXPECT_GE(far.ends.size(), 8u);
  far.secret = "test";
  EXPECT_TRUE(wait([&] { return c->is_open(); }));
}

TEST_F(Component, AConflictIsNoTightLoop) {
  open();
  far.ends[0]->server.fail(stream_condition::conflict, "Replaced by a new connection");
  far.ends[0]->send();
  ASSERT_TRUE(wait([&] { return !seen->reasons.empty(); }));
  EXPECT_EQ(seen->reasons[0], stream_condition::conflict);
  EXPECT_GE(seen->retries[0], 48s);
}

TEST_F(Component, TheBackOffBeginsAnewAfterAStableStream) {
  open();
  for (int i = 0; i < 4; ++i) {
    network.reset(network.lines_of("us").at(0));
    ASSERT_TRUE(wait([&] { return !c->is_open(); }));
    ASSERT_TRUE(wait([&] { return c->is_open(); }));
  }
  EXPECT_GE(seen->retries.back(), 6s);
  loop.run_for(61s);
  network.reset(network.lines_of("us").at(0));
  ASSERT_TRUE(wait([&] { return !c->is_open(); }));
  EXPECT_LE(seen->retries.back(), 1'200ms);
}

TEST_F(Component, AHalfDeadLineIsNoticedAndNothingIsLost) {
  open();
  network.cut(network.lines_of("us").at(0));
  for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(c->push(user_message_to("x", std::to_string(i)), i));
  ASSERT_TRUE(wait([&] { return seen->outcomes.size() == 5; }, 2min));
  EXPECT_EQ(seen->reasons.at(0), errc::ping_timeout);
  EXPECT_EQ(far.messages(), 5u);
}

TEST_F(Component, AServerThatNeverAnswersTheHandshakeIsLeft) {
  far.is_deaf = true;
  start();
  ASSERT_TRUE(wait([&] { return !seen->reasons.empty(); }));
  EXPECT_EQ(seen->reasons[0], errc::handshake_timeout);
}

TEST_F(Component, PoisonDoesNotStopTheOthers) {
  far.poison = "poison";
  open();
  for (std::uint64_t i = 1; i <= 10; ++i)
    ASSERT_TRUE(c->push(user_message_to(i == 4 ? "poison" : "good", std::to_string(i)), i));
  ASSERT_TRUE(wait([&] { return seen->outcomes.size() == 10; }));
  for (const auto& o : seen->outcomes) EXPECT_EQ(o.error == errc::quarantined, o.cookie == 4) << o.cookie;
}

TEST_F(Component, AFullOutboxSaysWhenThereIsRoom) {
  options.outbox.entries_max = 10;
  far.answers_pings = false;
  open();
  for (std::uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(c->push(user_message_to("x", std::to_string(i)), i));
  EXPECT_EQ(c->push(user_message_to("x", "y"), 11).error().code, errc::queue_full);
  loop.run_for(1s);
  EXPECT_EQ(seen->rooms, 0u);
  far.answers_pings = true;
  ASSERT_TRUE(wait([&] { return seen->rooms == 1; }));
  EXPECT_LE(c->outbox().size(), 5u);
}

TEST_F(Component, StopEmptiesTheOutboxFirst) {
  open();
  for (std::uint64_t i = 1; i <= 50; ++i) ASSERT_TRUE(c->push(user_message_to("x", std::to_string(i)), i));
  int stopped = 0;
  c->stop([&] { ++stopped; });
  EXPECT_EQ(c->push(user_message_to("x", "y"), 51).error().code, errc::session_closed);
  ASSERT_TRUE(wait([&] { return stopped == 1; }));
  EXPECT_EQ(seen->outcomes.size(), 50u);
  for (const auto& o : seen->outcomes) EXPECT_FALSE(o.error);
  EXPECT_TRUE(far.ends[0]->server.is_closed) << "the stream was ended, not cut";
  EXPECT_EQ(seen->retries, std::vector<std::chrono::milliseconds>{-1ms});
}

TEST_F(Component, StopGivesUpOnASilentServerAndEveryPushHasItsOutcome) {
  far.answers_pings = false;
  open();
  ASSERT_TRUE(c->push(user_message_to("x", "1"), 1));
  int stopped = 0;
  c->stop([&] { ++stopped; });
  ASSERT_TRUE(wait([&] { return stopped == 1; }, 30s));
  ASSERT_EQ(seen->outcomes.size(), 1u);
  EXPECT_EQ(seen->outcomes[0].error, errc::session_closed);
}

TEST_F(Component, StopWhileConnectingOrWaitingEnds) {
  network.set_away("server", true);
  start();
  int stopped = 0;
  c->stop([&] { ++stopped; });
  c->stop([&] { ++stopped; });
  ASSERT_TRUE(wait([&] { return stopped == 2; }, 5min));
  network.set_away("server", false);
  c->start();
  ASSERT_TRUE(wait([&] { return c->is_open(); }));
  network.unlisten("server");
  network.reset(network.lines_of("us").at(0));
  ASSERT_TRUE(wait([&] { return !c->is_open(); }));
  c->stop([&] { ++stopped; });
  ASSERT_TRUE(wait([&] { return stopped == 3; }, 30s));
}

TEST_F(Component, OperationsComplete) {
  open();
  std::vector<std::error_code> pushes;
  std::error_code answer_error;
  element answer;
  c->async_push(user_message_to("x", "1"), [&](std::error_code ec) { pushes.push_back(ec); });
  c->async_push(make_message("root@localhost", "a@b", "x"), [&](std::error_code ec) { pushes.push_back(ec); });
  auto iq = make_iq("get", "sms.localhost", "localhost");
  iq.add("ping", ns::ping);
  c->async_request(iq, [&](std::error_code ec, element e) {
    answer_error = ec;
    answer = std::move(e);
  });
  EXPECT_TRUE(pushes.empty()) << "never inside the initiating function";
  ASSERT_TRUE(wait([&] { return pushes.size() == 2 && !answer.name.empty(); }));
  EXPECT_EQ(pushes[0], errc::address_foreign);
  EXPECT_EQ(pushes[1], std::error_code{});
  EXPECT_FALSE(answer_error);
  EXPECT_EQ(answer.get("type"), "result");
  EXPECT_TRUE(seen->outcomes.empty());
}

TEST_F(Component, AnImpossibleDomainIsAMistakeAtStart) {
  options.session.domain = "not a domain";
  EXPECT_THROW(component::make(loop.executor(), options, seen), std::system_error);
}

TEST_F(Component, WhatTheOutboxAcceptsTheSessionCanSend) {
  options.outbox.stanza_bytes_max = 300 * 1024;
  options.session.output_bytes_max = 1'000;
  start();
  ASSERT_TRUE(c->push(user_message_to(std::string(299 * 1024, 'x'), "1"), 1));
  ASSERT_TRUE(wait([&] { return seen->outcomes.size() == 1; }));
  EXPECT_EQ(seen->outcomes[0].error, errc::quarantined) << "it was sent, with its time as well, and the server refused";
  EXPECT_EQ(far.ends.size(), 3u);
}

TEST_F(Component, ResetsAtAnyMomentLoseAndDoubleNoOutcome) {
  options.outbox.entries_max = 100'000;
  open();
  std::uint64_t pushed = 0;
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 10; ++i) {
      ++pushed;
      ASSERT_TRUE(c->push(user_message_to("x", std::to_string(pushed)), pushed));
    }
    loop.run_for(std::chrono::milliseconds(random.below(60)));
    for (const auto line : network.lines_of("us")) network.reset(line);
    loop.run_for(std::chrono::milliseconds(random.below(20'000)));
  }
  ASSERT_TRUE(wait([&] { return seen->outcomes.size() >= pushed; }));
  std::vector<std::uint64_t> cookies;
  for (const auto& o : seen->outcomes) cookies.push_back(o.cookie);
  std::ranges::sort(cookies);
  ASSERT_EQ(cookies.size(), pushed);
  for (std::uint64_t i = 0; i < pushed; ++i) ASSERT_EQ(cookies[i], i + 1);
  EXPECT_GE(far.messages(),
            static_cast<std::size_t>(std::ranges::count(seen->outcomes, std::error_code{}, &outbox_outcome::error)));
}

// ---- over loopback

namespace {

struct ComponentOverLoopback : ::testing::Test {
  void serve(std::shared_ptr<tls_context> tls = nullptr) {
    listener = std::make_unique<acceptor>(
        io.get_executor(), acceptor_options{.tls = std::move(tls)},
        acceptor::callbacks{[this](std::shared_ptr<stream> s) { far.accept(std::move(s)); }});
    ASSERT_FALSE(listener->listen());
    options.session = test_session_options();
    options.connect.port = listener->port();
  }
  ~ComponentOverLoopback() override {
    bool stopped = c == nullptr;
    if (c) c->stop([&] { stopped = true; });
    EXPECT_TRUE(run_until(io, [&] { return stopped; }));
    if (listener) listener->stop();
  }
  asio::io_context io;
  host far;
  std::unique_ptr<acceptor> listener;
  component_options options;
  std::shared_ptr<recorder> seen = std::make_shared<recorder>();
  std::shared_ptr<component> c;
};

asio::awaitable<void> send_one(std::shared_ptr<component> c, std::error_code& error, bool& done) {
  const auto message = user_message_to("hello", "1");
  auto [ec] = co_await c->async_push(message, as_tuple);
  error = ec;
  done = true;
}

}  // namespace

TEST_F(ComponentOverLoopback, ACoroutinePushesOverTcp) {
  serve();
  c = component::make(io.get_executor(), options, seen);
  c->start();
  std::error_code error = make_error_code(errc::session_closed);
  bool done = false;
  asio::co_spawn(io, send_one(c, error, done), asio::detached);
  ASSERT_TRUE(run_until(io, [&] { return done; }));
  EXPECT_FALSE(error);
  EXPECT_EQ(far.messages(), 1u);
}

TEST_F(ComponentOverLoopback, TlsFromTheFirstOctet) {
  std::string pattern = std::filesystem::temp_directory_path() / "msgkit_xmpp_tls_XXXXXX";
  const std::filesystem::path directory = mkdtemp(pattern.data());
  smpp::test::authority ours(directory, "ours");
  ours.issue("server", "IP:127.0.0.1");
  const auto server_tls = tls_context::make({.certificate_file = directory / "server.pem",
                                             .private_key_file = directory / "server-key.pem"}, tls_role::server);
  const auto client_tls = tls_context::make({.ca_file = ours.file()}, tls_role::client);
  ASSERT_TRUE(server_tls && client_tls);
  serve(*server_tls);
  options.connect.tls = *client_tls;
  c = component::make(io.get_executor(), options, seen);
  c->start();
  ASSERT_TRUE(c->push(user_message_to("hello", "1"), 1));
  ASSERT_TRUE(run_until(io, [&] { return seen->outcomes.size() == 1; }));
  EXPECT_FALSE(seen->outcomes[0].error);
  std::filesystem::remove_all(directory);
}

TEST_F(ComponentOverLoopback, AServerThatDoesNotReadIsCutNotBuffered) {
  serve();
  options.transport_bytes_max = 256 * 1024;
  c = component::make(io.get_executor(), options, seen);
  c->start();
  ASSERT_TRUE(run_until(io, [&] { return c->is_open(); }));
  far.ends[0]->transport->pause_reading();
  const auto big = user_message_to(std::string(64 * 1024, 'x'), "1");
  ASSERT_TRUE(run_until(io, [&] {
    if (c->is_open()) (void)c->send(big);
    return !seen->reasons.empty();
  }));
  EXPECT_EQ(seen->reasons[0], errc::output_limit);
  far.ends[0]->transport->close({});
}
