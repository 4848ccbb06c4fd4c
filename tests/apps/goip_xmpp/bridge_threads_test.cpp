// The parts of the bridge that threads share: the recorder, and lines beside the engine's own thread.
#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "common/destroy_on.hpp"
#include "connectors/goip_lines.hpp"
#include "engine/engine.hpp"
#include "engine/memory_store.hpp"
#include "goip_xmpp/recorder.hpp"
#include "libgoip/net/udp_device.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace std::chrono_literals;

namespace {

// An io_context that a thread of its own runs.
class io_thread {
 public:
  ~io_thread() {
    work_.reset();
    thread_.join();
  }
  [[nodiscard]] asio::any_io_executor executor() { return io_.get_executor(); }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::thread thread_{[this] { io_.run(); }};
};

}  // namespace

TEST(RecorderThreads, AnswersComeOnTheExecutorThatAsked) {
  constexpr std::size_t askers = 4, questions = 100;
  std::string problem;
  recorder r(records::open(":memory:", problem));
  io_thread home;
  std::atomic<std::size_t> written{0};
  std::size_t answered = 0;  // on `home` alone
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < askers; ++t)
    threads.emplace_back([&, t] {
      const auto line = "g" + std::to_string(t);
      for (std::size_t i = 0; i < questions; ++i) {
        written += r.run([line](records& all) { all.add_call(line, call_record{.started = 1, .remote = "+1"}); });
        r.ask(
            home.executor(), [line](records& all) { return all.calls(line, 1'000).size(); },
            [&answered](std::size_t) { ++answered; });
      }
    });
  for (auto& t : threads) t.join();
  std::promise<void> last;
  ASSERT_TRUE(r.run([&last](records&) { last.set_value(); }));
  last.get_future().wait();
  EXPECT_EQ(run_on(home.executor(), [&] { return answered; }), askers * questions);
  EXPECT_EQ(written, askers * questions);
  EXPECT_EQ(r.dropped(), 0u);
}

TEST(RecorderThreads, WhatWaitsWhenItStopsIsDropped) {
  std::string problem;
  recorder r(records::open(":memory:", problem));
  std::promise<void> begun, go;
  auto permitted = go.get_future();
  ASSERT_TRUE(r.run([&](records&) {
    begun.set_value();
    permitted.wait();
  }));
  begun.get_future().wait();
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(r.run([&ran](records&) { ++ran; }));
  std::thread stopper([&r] { r.stop(); });
  go.set_value();
  stopper.join();
  const int then = ran;
  EXPECT_LE(then, 100);
  EXPECT_TRUE(r.run([&ran](records&) { ++ran; })) << "taken, and dropped";
  EXPECT_EQ(ran, then);
}

// What arrives on one line leaves on the other: datagrams, the engine and its commits run on three threads.
TEST(LinesThreads, MessagesPassTheEngineAndComeOutOnce) {
  constexpr std::size_t count = 40;
  engine::engine_options options;
  engine::route through{.name = "through", .account = "carrier:in"};
  through.targets.push_back({.endpoint = "carrier:out"});
  engine::engine core(options, std::make_shared<const engine::route_table>(std::vector{through}),
                      std::make_unique<engine::memory_store>());
  ASSERT_TRUE(core.start());
  io_thread home;
  goip_lines_options o;
  o.server.listen = {{.host = "127.0.0.1", .port = 0}};
  o.lines = {{.line = {.id = "in", .password = "pw"}},
             {.line = {.id = "out", .password = "pw", .pacing = 0ms}, .capacity = 8}};
  auto lines = std::make_unique<goip_lines>(home.executor(), core, o, std::make_shared<goip_lines_observer>());
  ASSERT_TRUE(run_on(home.executor(), [&] { return lines->start(); }));

  asio::io_context io{1};  // of the devices, on this thread
  const auto device = [&](const char* id) {
    return goip_fake::udp_device(
        io, "127.0.0.1", lines->port(),
        {.id = id, .password = "pw", .repeat_interval = 200ms, .repeats = 100, .sending_time = 0ms});
  };
  auto in = device("in"), out = device("out");  // built in place: they do not move
  for (std::size_t i = 0; i < count; ++i) {
    in.line.deliver_sms("+3725551", "message " + std::to_string(i), driver_clock::now());
    in.pump();
  }
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while ((out.line.sent().size() < count || in.line.unacknowledged() > 0) &&
         std::chrono::steady_clock::now() < deadline) {
    io.restart();
    io.run_for(5ms);
    in.pump();
    out.pump();
  }
  EXPECT_EQ(in.line.unacknowledged(), 0u);
  std::set<std::string> texts;
  for (const auto& sms : out.line.sent()) texts.insert(sms.text);
  EXPECT_EQ(texts.size(), count);
  EXPECT_EQ(out.line.sent().size(), count);

  std::promise<void> quiet;
  lines->stop(5s, [&] { quiet.set_value(); });
  quiet.get_future().wait();
  EXPECT_TRUE(core.stop(5s));
  destroy_on(home.executor(), lines);
}
