// The thread shell: several posters, sinks, a real thread. Waits are for conditions, never for time to pass.
#include "engine/engine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "driver.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

using message_engine = msgkit::engine::engine;

// Collects what it is told; waits for it with a generous limit.
class collector : public sink {
 public:
  void on_actions(std::vector<action>&& actions) override {
    const std::lock_guard lock{mutex_};
    ++calls_;
    for (auto& a : actions) actions_.push_back(std::move(a));
    changed_.notify_all();
  }
  template <class T>
  bool wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 20s, [&] { return all<T>(actions_).size() >= count; });
  }
  std::vector<action> taken() {
    const std::lock_guard lock{mutex_};
    return actions_;
  }
  std::size_t calls() {
    const std::lock_guard lock{mutex_};
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<action> actions_;
  std::size_t calls_ = 0;
};

// A carrier that takes everything at once.
class echo_carrier : public sink {
 public:
  explicit echo_carrier(message_engine& e) : engine_(e) {}
  void on_actions(std::vector<action>&& actions) override {
    std::vector<event> results;
    for (const auto& s : all<send>(actions)) results.push_back(sent(s, "c" + std::to_string(s.id.key()), false));
    if (silent) return;
    EXPECT_TRUE(engine_.post(results));
  }
  std::atomic<bool> silent{false};

 private:
  message_engine& engine_;
};

std::unique_ptr<message_engine> make_engine(engine_options o = {}, std::unique_ptr<store> s = std::make_unique<memory_store>()) {
  return std::make_unique<message_engine>(std::move(o), routes({to({{"carrier:up1"}})}), std::move(s),
                                          [] { return t0; });
}
submit make_submit(sink_id sink, std::uint64_t token) {
  auto s = driver::make_submit(text_message(), token);
  s.token.sink = sink;
  return s;
}

}  // namespace

TEST(Engine, AnswersEverySubmitOfManyThreadsExactlyOnce) {
  auto e = make_engine();
  collector client;
  echo_carrier carrier{*e};
  const auto client_id = e->add_sink(client), carrier_id = e->add_sink(carrier);
  ASSERT_TRUE(e->start());
  EXPECT_TRUE(e->ready());
  ASSERT_TRUE(e->post(link_state{"carrier:up1", 1, carrier_id, true, 50}));
  constexpr std::size_t threads = 4, each = 2'000;
  std::vector<std::thread> posters;
  for (std::size_t t = 0; t < threads; ++t)
    posters.emplace_back([&, t] {
      for (std::size_t i = 0; i < each; ++i)
        while (!e->post(make_submit(client_id, t * each + i))) std::this_thread::yield();
    });
  for (auto& p : posters) p.join();
  ASSERT_TRUE(client.wait_for<accepted>(threads * each));
  EXPECT_TRUE(e->stop(20s));
  std::vector<bool> seen(threads * each);
  for (const auto& a : all<accepted>(client.taken())) {
    EXPECT_FALSE(seen[a.token.value]);
    seen[a.token.value] = true;
  }
  EXPECT_LT(client.calls(), threads * each) << "one call per batch, not per message";
  EXPECT_FALSE(e->ready());
}

TEST(Engine, FullInboxRefusesSubmitsAndTakesResults) {
  engine_options o;
  o.inbox_events_max = 100;
  auto e = make_engine(o);
  collector client;
  const auto id = e->add_sink(client);
  std::size_t taken = 0;
  while (e->post(make_submit(id, taken))) ++taken;  // not started yet: nobody empties it
  EXPECT_EQ(taken, 100u);
  EXPECT_TRUE(e->post(attempt_result{}));
  std::vector<event> several;
  several.emplace_back(make_submit(id, 1));
  EXPECT_FALSE(e->post(several));
  EXPECT_EQ(several.size(), 1u) << "untouched";
  ASSERT_TRUE(e->start());
  EXPECT_TRUE(client.wait_for<accepted>(100));
}

TEST(Engine, QueryGivesWhatIsDurable) {
  auto e = make_engine();
  collector client;
  const auto sink = e->add_sink(client);
  ASSERT_TRUE(e->start());
  ASSERT_TRUE(e->post(make_submit(sink, 1)));
  ASSERT_TRUE(client.wait_for<accepted>(1));
  const auto id = only<accepted>(client.taken()).id;
  std::promise<result<std::optional<message>>> answer;
  ASSERT_TRUE(e->query(id, [&](result<std::optional<message>> m) { answer.set_value(std::move(m)); }));
  const auto found = answer.get_future().get();
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->progress.state, message_state::queued);
}

TEST(Engine, StopWaitsForAttemptsInFlight) {
  auto e = make_engine();
  collector client, carrier;
  const auto client_id = e->add_sink(client), carrier_id = e->add_sink(carrier);
  ASSERT_TRUE(e->start());
  ASSERT_TRUE(e->post(link_state{"carrier:up1", 1, carrier_id, true, 50}));
  ASSERT_TRUE(e->post(make_submit(client_id, 1)));
  ASSERT_TRUE(carrier.wait_for<send>(1));
  auto stopped = std::async(std::launch::async, [&] { return e->stop(20s); });
  ASSERT_TRUE(e->post(sent(only<send>(carrier.taken()))));
  EXPECT_TRUE(stopped.get());
  EXPECT_FALSE(e->post(make_submit(client_id, 2))) << "stopped";
}

TEST(Engine, StopGivesUpAtItsDeadline) {
  auto e = make_engine();
  collector client, carrier;
  const auto client_id = e->add_sink(client), carrier_id = e->add_sink(carrier);
  ASSERT_TRUE(e->start());
  ASSERT_TRUE(e->post(link_state{"carrier:up1", 1, carrier_id, true, 50}));
  ASSERT_TRUE(e->post(make_submit(client_id, 1)));
  ASSERT_TRUE(carrier.wait_for<send>(1));
  EXPECT_FALSE(e->stop(1ms));
}

TEST(Engine, ASinkThatWentAwayDoesNotSwallowMessages) {
  auto e = make_engine();
  collector client;
  echo_carrier later{*e};  // the message may reach it before the engine stops
  const auto client_id = e->add_sink(client);
  sink_id gone = 0;
  {
    collector carrier;
    gone = e->add_sink(carrier);
    e->remove_sink(gone);
  }
  ASSERT_TRUE(e->start());
  ASSERT_TRUE(e->post(link_state{"carrier:up1", 1, gone, true, 1}));
  ASSERT_TRUE(e->post(make_submit(client_id, 1)));
  ASSERT_TRUE(client.wait_for<accepted>(1));
  const auto other = e->add_sink(later);
  ASSERT_TRUE(e->post(link_state{"carrier:up1", 1, gone, false, 0}));
  ASSERT_TRUE(e->post(link_state{"carrier:up1", 2, other, true, 1}));
  e->set_routes(routes({to({{"carrier:up1"}})}));
  EXPECT_TRUE(e->stop(20s)) << "nothing is in flight for ever";
}

TEST(Engine, IsNotReadyWhileTheStoreFailsAndRecoversByItself) {
  auto owned = std::make_unique<memory_store>();
  owned->fail_commit(2);  // the start makes the first one
  std::atomic<std::int64_t> ms{t0.time_since_epoch().count()};
  std::mutex log_mutex;
  std::vector<std::string> lines;
  message_engine e{{}, routes({to({{"carrier:up1"}})}), std::move(owned),
                   [&] { return wall_time{std::chrono::milliseconds{ms += 50}}; },
                   [&](bool, std::string_view line) {
                     const std::lock_guard lock{log_mutex};
                     lines.emplace_back(line);
                   }};
  collector client;
  const auto sink = e.add_sink(client);
  ASSERT_TRUE(e.start());
  ASSERT_TRUE(e.post(make_submit(sink, 1)));
  ASSERT_TRUE(client.wait_for<refused>(1));
  EXPECT_EQ(e.stats().commit_failures, 1u);
  for (std::uint64_t token = 2; all<accepted>(client.taken()).empty(); ++token) {
    ASSERT_TRUE(e.post(make_submit(sink, token)));
    ASSERT_LT(token, 10'000u);
    std::this_thread::yield();
    ASSERT_TRUE(client.wait_for<refused>(1));
  }
  EXPECT_TRUE(e.ready());
  EXPECT_FALSE(e.stats().store_faulted);
  e.stop(0ms);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "memory: commit failed as asked");
  EXPECT_EQ(lines[1], "store recovered, 0 active messages");
}

TEST(Engine, CountsWhatItDoes) {
  auto e = make_engine();
  collector client;
  const auto sink = e->add_sink(client);
  ASSERT_TRUE(e->start());
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(e->post(make_submit(sink, i)));
  ASSERT_TRUE(client.wait_for<accepted>(10));
  e->stop(0ms);
  const auto s = e->stats();
  EXPECT_EQ(s.core.submits, 10u);
  EXPECT_EQ(s.core.active[static_cast<std::size_t>(message_state::queued)], 10u);
  EXPECT_EQ(s.batch_events.sum, 10u);
  EXPECT_EQ(s.commit_microseconds.total, s.commits);
  EXPECT_EQ(s.submit_microseconds.total, 10u) << "one value for each submit";
  EXPECT_EQ(s.inbox, 0u);
}

TEST(Histogram, PutsAValueBelowItsBound) {
  histogram h;
  h.add(0);
  h.add(49);
  h.add(50);
  h.add(10'000'000);
  EXPECT_EQ(h.counts[0], 2u);
  EXPECT_EQ(h.counts[1], 1u);
  EXPECT_EQ(h.counts.back(), 1u);
  EXPECT_EQ(h.total, 4u);
}
