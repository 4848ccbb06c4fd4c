#include "msgkit/smpp/net/client_pool.hpp"

#include <map>
#include <set>

#include "virtual_centre.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

struct notes final : client_pool_handler {
  void on_bound(client_pool&, std::size_t, bind_mode) override { ++bound; }
  void on_unbound(client_pool&, std::size_t member, std::error_code reason, std::chrono::milliseconds retry,
                  std::span<const std::uint64_t> open) override {
    losses.push_back({member, reason, retry, {open.begin(), open.end()}});
  }
  void on_request(client_pool& p, const pool_request& from, const pdu& m) override {
    requests.push_back(from);
    if (answers && std::holds_alternative<deliver_sm>(m)) (void)p.respond(from, deliver_sm_resp{});
  }
  void on_outcome(client_pool&, const outcome& o) override { outcomes.emplace_back(o.cookie, o.error); }
  void on_ready(client_pool&) override { ++ready; }

  struct loss {
    std::size_t member = 0;
    std::error_code reason;
    std::chrono::milliseconds retry;
    std::vector<std::uint64_t> open;
  };
  std::size_t bound = 0, ready = 0;
  bool answers = true;
  std::vector<loss> losses;
  std::vector<pool_request> requests;
  std::vector<std::pair<std::uint64_t, std::error_code>> outcomes;
};

struct ClientPool : OverVirtualNetwork {
  ~ClientPool() override {
    if (pool) pool->stop();
    loop.run_for(60s);
  }
  void make(client_pool_options o) {
    const auto client = dialing();
    o.client.dial = client.dial;
    o.client.system_id = client.system_id;
    o.client.reconnect_seed = client.reconnect_seed;
    pool = client_pool::make(loop.executor(), std::move(o), handler);
    pool->start();
  }
  void bind(client_pool_options o) {
    make(std::move(o));
    ASSERT_TRUE(loop.run_until([&] { return pool->state().bound == pool->state().sessions; }, 60s));
  }
  void send(int from, int to) {
    for (int i = from; i <= to; ++i)
      ASSERT_TRUE(pool->request(message(std::to_string(i)), {.cookie = static_cast<std::uint64_t>(i)})) << i;
  }
  std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i <= to; ++i) all.push_back(std::to_string(i));
    return all;
  }
  std::shared_ptr<notes> handler = std::make_shared<notes>();
  std::shared_ptr<client_pool> pool;
};

}  // namespace

TEST_F(ClientPool, SpreadsRequestsOverItsBindsByFreeWindow) {
  bind({.binds = 4});
  far->answers = false;
  send(1, 20);
  loop.run_for(1s);
  std::map<std::uint64_t, std::size_t> by_connection;
  for (const auto& m : far->messages) ++by_connection[m.connection];
  ASSERT_EQ(by_connection.size(), 4u);
  for (const auto& [id, count] : by_connection) EXPECT_EQ(count, 5u);
  EXPECT_EQ(pool->state().open_requests, 20u);
}

TEST_F(ClientPool, PairsBindATransmitterAndAReceiverEach) {
  bind({.binds = 2, .pairs = true});
  EXPECT_EQ(pool->state().sessions, 4u);
  EXPECT_EQ(pool->state().bound_sending, 2u);
  EXPECT_EQ(std::multiset<bind_mode>(far->modes.begin(), far->modes.end()),
            (std::multiset<bind_mode>{bind_mode::transmitter, bind_mode::transmitter, bind_mode::receiver,
                                      bind_mode::receiver}));
  send(1, 10);
  loop.run_for(1s);
  EXPECT_EQ(handler->outcomes.size(), 10u);
  for (const auto& [cookie, error] : handler->outcomes) EXPECT_FALSE(error);
  // What comes over a receiver is answered over it.
  for (const auto& c : far->connections)
    if (c->session().state() == session_state::bound_rx) (void)c->request(deliver_sm{.short_message = "hi"});
  loop.run_for(1s);
  ASSERT_EQ(far->outcomes.size(), 2u);
  for (const auto& e : far->outcomes) EXPECT_FALSE(e) << e.message();
}

TEST_F(ClientPool, WaitingRequestsKeepTheirOrderAndTheQueueHasALimit) {
  make({.queue_max = 30});
  send(1, 30);  // nobody is bound yet
  EXPECT_EQ(pool->request(message("31")).error().code, smpp::errc::window_full);
  EXPECT_EQ(pool->state().queued, 30u);
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 30; }, 60s));
  EXPECT_EQ(far->texts(), numbers(1, 30));
  EXPECT_GE(handler->ready, 1u);
}

TEST_F(ClientPool, WithoutAQueueWhatCannotLeaveIsRefused) {
  bind({.queue_max = 0});
  far->answers = false;
  send(1, 10);
  EXPECT_EQ(pool->request(message("11")).error().code, smpp::errc::window_full);
  EXPECT_FALSE(pool->can_send());
}

TEST_F(ClientPool, ARequestThatCannotBeEncodedIsRefusedAtOnce) {
  make({});
  EXPECT_EQ(pool->request(submit_sm{.destination_addr = "1234567890123456789012345"}).error().code,
            smpp::errc::field_too_long);
  EXPECT_EQ(pool->state().queued, 0u);
}

TEST_F(ClientPool, HoldsOnePaceOverAllBinds) {
  bind({.binds = 3, .rate = {.per_second = 20, .burst = 0ms}});
  const auto began = loop.now();
  send(1, 100);
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 100; }, 60s));
  EXPECT_NEAR(std::chrono::duration<double>(loop.now() - began).count(), 5, 0.2);
  for (std::size_t i = 20; i < 100; ++i) EXPECT_GE(far->messages[i].at - far->messages[i - 20].at, 990ms);
  EXPECT_EQ(far->texts(), numbers(1, 100));
}

TEST_F(ClientPool, AThrottledRequestIsSentAgainBeforeThoseBehindIt) {
  client_pool_options o{.rate = {.per_second = 1000}, .throttled_retry_max = 60s};
  o.client.connection.session.window_size = 1;
  bind(o);
  std::size_t refusals = 0;
  far->judge = [&](const auto& m) {
    return m.text == "3" && ++refusals <= 2 ? command_status::throttled : command_status::ok;
  };
  send(1, 10);
  loop.run_for(500ms);
  EXPECT_TRUE(pool->state().paused);
  EXPECT_LT(pool->state().rate, 1000);
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 10; }, 60s));
  EXPECT_EQ(far->texts(), (std::vector<std::string>{"1", "2", "3", "3", "3", "4", "5", "6", "7", "8", "9", "10"}));
  for (const auto& [cookie, error] : handler->outcomes) EXPECT_FALSE(error) << cookie;
}

TEST_F(ClientPool, ThrottlingBeyondTheLimitIsTheOutcome) {
  bind({.throttled_retry_max = 5s});
  far->judge = [](const auto&) { return command_status::message_queue_full; };
  send(1, 1);
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 1; }, 60s));
  EXPECT_EQ(handler->outcomes[0].second, command_status::message_queue_full);
  EXPECT_GE(far->messages.size(), 3u);
}

TEST_F(ClientPool, WithoutRetryThrottlingIsReportedAtOnceAndSlowsUsDown) {
  bind({.rate = {.per_second = 100}});
  far->judge = [](const auto&) { return command_status::throttled; };
  send(1, 1);
  loop.run_for(100ms);
  ASSERT_EQ(handler->outcomes.size(), 1u);
  EXPECT_EQ(handler->outcomes[0].second, command_status::throttled);
  EXPECT_EQ(pool->state().rate, 50);
}

TEST_F(ClientPool, ALossListsWhatWasUnansweredAndTheBindComesBackFresh) {
  bind({.binds = 2});
  far->answers = false;
  send(1, 6);
  loop.run_for(100ms);
  const auto victim = network.lines_of("esme").front();
  network.reset(victim);
  loop.run_for(100ms);
  ASSERT_EQ(handler->losses.size(), 1u);
  EXPECT_EQ(handler->losses[0].open.size(), 3u);
  EXPECT_GE(handler->losses[0].retry, 0ms);
  std::set<std::uint64_t> failed;
  for (const auto& [cookie, error] : handler->outcomes)
    if (error == smpp::errc::session_closed) failed.insert(cookie);
  EXPECT_EQ(failed, std::set<std::uint64_t>(handler->losses[0].open.begin(), handler->losses[0].open.end()));
  EXPECT_EQ(pool->state().bound, 1u);
  far->answers = true;
  ASSERT_TRUE(loop.run_until([&] { return pool->state().bound == 2; }, 60s));
  EXPECT_EQ(handler->bound, 3u);
  EXPECT_EQ(pool->state().open_requests, 3u) << "those of the other bind";
}

TEST_F(ClientPool, TrafficGoesOnOverTheOtherBinds) {
  bind({.binds = 2});
  network.reset(network.lines_of("esme").front());
  loop.run_for(10ms);
  send(1, 10);
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 10; }, 5s));
  for (const auto& [cookie, error] : handler->outcomes) EXPECT_FALSE(error) << cookie;
}

TEST_F(ClientPool, AnAnswerForALostConnectionGoesNowhere) {
  bind({});
  handler->answers = false;
  ASSERT_TRUE(far->connections.at(0)->request(deliver_sm{.short_message = "hi"}));
  loop.run_for(100ms);
  ASSERT_EQ(handler->requests.size(), 1u);
  network.reset(network.lines_of("esme").front());
  ASSERT_TRUE(loop.run_until([&] { return handler->bound == 2; }, 60s));
  EXPECT_EQ(pool->respond(handler->requests[0], deliver_sm_resp{}).error().code, smpp::errc::session_closed);
}

TEST_F(ClientPool, StopFailsWhatIsQueuedAndTellsWhenItIsDone) {
  bind({.rate = {.per_second = 1, .burst = 0ms}});
  send(1, 5);
  loop.run_for(100ms);
  bool done = false;
  pool->stop([&] { done = true; });
  EXPECT_EQ(handler->outcomes.size(), 5u);
  ASSERT_TRUE(loop.run_until([&] { return done; }, 60s));
  EXPECT_EQ(far->messages.size(), 1u);
  EXPECT_EQ(pool->request(message("x")).error().code, smpp::errc::session_closed);
  EXPECT_EQ(far->connections.size(), 0u);
}

TEST_F(ClientPool, WhatIsQueuedFailsWhenEveryBindHasGivenUp) {
  client_pool_options o;
  o.client.give_up_on_bad_credentials = true;
  far->decide_bind = [](connection& c, const auto&) { (void)c.refuse_bind(command_status::invalid_password); };
  make(o);
  send(1, 3);
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 3; }, 60s));
  EXPECT_EQ(handler->outcomes[0].second, smpp::errc::session_closed);
}

TEST_F(ClientPool, AsyncSubmitWaitsItsTurn) {
  make({.rate = {.per_second = 10, .burst = 0ms}});
  std::vector<std::string> ids;
  for (const auto* text : {"a", "b", "c"})
    pool->async_submit(message(text), {}, [&](std::error_code ec, std::string id) {
      EXPECT_FALSE(ec) << ec.message();
      ids.push_back(std::move(id));
    });
  ASSERT_TRUE(loop.run_until([&] { return ids.size() == 3; }, 60s));
  EXPECT_EQ(ids, (std::vector<std::string>{"a", "b", "c"}));
}
