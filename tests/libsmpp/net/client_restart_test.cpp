// Stopping and starting again while the network takes its time: in virtual time, over a virtual network.
#include <gtest/gtest.h>

#include "msgkit/smpp/net/client.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "support/virtual_network.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::test;
using namespace std::chrono_literals;

namespace {

struct centre final : server_handler {
  void on_connected(connection& c) override { connections.push_back(c.shared_from_this()); }
  void on_bind(connection& c, const pdu&) override { (void)c.accept_bind("centre"); }
  void on_request(connection& c, const pdu& m) override {
    if (answers) (void)c.respond(m.head.sequence, submit_sm_resp{.message_id = "1"});
  }
  void on_outcome(connection&, const outcome&) override {}
  void on_closed(connection&, std::error_code) override { ++closed; }
  std::vector<std::shared_ptr<connection>> connections;
  std::size_t closed = 0;
  bool answers = true;
};

struct esme final : client_handler {
  void on_bound(client&) override { ++bound; }
  void on_unbound(client&, std::error_code, std::chrono::milliseconds) override { ++unbound; }
  void on_outcome(client&, const outcome& o) override { outcomes.push_back(o.error); }
  std::size_t bound = 0, unbound = 0;
  std::vector<std::error_code> outcomes;
};

struct ClientRestart : ::testing::Test {
  ClientRestart() {
    network.set_quality({.latency_min = 50ms, .latency_max = 50ms});
    network.listen("centre", [this](std::shared_ptr<stream> s) { mc.adopt(std::move(s)); });
    client_options o;
    o.dial = [this](connector::handler done) { network.dial("esme", "centre", std::move(done)); };
    o.system_id = "esme";
    o.reconnect_seed = 1;
    c = client::make(loop.executor(), o, handler);
  }
  ~ClientRestart() override {
    c->stop();
    loop.run_for(10s);
    far->connections.clear();
  }
  void start() {
    c->start();
    ASSERT_TRUE(loop.run_until([&] { return c->is_bound(); }, 10s));
  }
  virtual_loop loop;
  random_source random{1};
  virtual_network network{loop, random};
  std::shared_ptr<centre> far = std::make_shared<centre>();
  smpp::server mc{loop.executor(), server_options{}, far};
  std::shared_ptr<esme> handler = std::make_shared<esme>();
  std::shared_ptr<client> c;
};

constexpr submit_sm message{.destination_addr = "447700900123", .short_message = "hello"};

}  // namespace

TEST_F(ClientRestart, StartWhileLeavingKeepsEveryOutcomeAndBindsAgain) {
  start();
  far->answers = false;
  ASSERT_TRUE(c->request(message, {.cookie = 7}));
  bool stopped = false;
  c->stop([&] { stopped = true; });
  c->start();
  ASSERT_TRUE(loop.run_until([&] { return handler->bound == 2; }, 60s));
  EXPECT_TRUE(stopped);
  ASSERT_EQ(handler->outcomes.size(), 1u);
  EXPECT_EQ(handler->outcomes.front(), errc::session_closed);
  EXPECT_EQ(far->connections.size(), 2u);
  EXPECT_EQ(far->closed, 1u);
}

TEST_F(ClientRestart, StopAndStartWhileDialingMakesOneConnection) {
  c->start();
  loop.run_for(10ms);
  c->stop();
  c->start();
  loop.run_for(10s);
  EXPECT_EQ(far->connections.size(), 1u);
  EXPECT_EQ(handler->bound, 1u);
  EXPECT_TRUE(c->is_bound());
}

TEST_F(ClientRestart, BindAwaitedWhileLeavingIsTheNextOne) {
  start();
  bool done = false;
  std::error_code bound;
  c->stop();
  c->start();
  loop.run_for(1ms);
  // Still bound to the eye until the session has agreed to leave: wait for that, then for the new bind.
  ASSERT_TRUE(loop.run_until([&] { return !c->is_bound(); }, 10s));
  c->async_bind([&](std::error_code ec) {
    done = true;
    bound = ec;
  });
  ASSERT_TRUE(loop.run_until([&] { return done; }, 60s));
  EXPECT_FALSE(bound) << bound.message();
  EXPECT_TRUE(c->is_bound());
}

TEST_F(ClientRestart, EveryStopIsTold) {
  start();
  std::string order;
  c->stop([&] { order += 'a'; });
  c->stop();
  c->stop([&] { order += 'b'; });
  loop.run_for(10s);
  EXPECT_EQ(order, "ab");
}

TEST_F(ClientRestart, ReconnectsAfterAReset) {
  start();
  ASSERT_TRUE(c->request(message, {.cookie = 1}));
  network.reset(network.lines_of("esme").front());
  ASSERT_TRUE(loop.run_until([&] { return handler->bound == 2; }, 60s));
  ASSERT_EQ(handler->outcomes.size(), 1u);
  EXPECT_EQ(handler->outcomes.front(), errc::session_closed);
}

// Whoever flushes all its connections now and then must not keep a dead one from being given up.
TEST_F(ClientRestart, ALingeringConnectionEndsHoweverOftenItIsFlushed) {
  network.set_quality({.latency_min = 1ms, .latency_max = 1ms, .window_bytes = 150});
  start();
  far->connections.front()->pause_reading();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(c->request(message));
  loop.run_for(10ms);
  network.cut(network.lines_of("esme").front());
  ASSERT_TRUE(loop.run_until([&] { return !c->is_bound(); }, 120s));  // enquire_link found out
  ASSERT_EQ(handler->unbound, 0u);
  for (int i = 0; i < 20; ++i) {
    c->flush();
    loop.run_for(1s);
  }
  EXPECT_EQ(handler->unbound, 1u);
}
