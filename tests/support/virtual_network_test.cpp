#include "virtual_network.hpp"

#include <gtest/gtest.h>

#include <asio/error.hpp>

using namespace msgkit;
using namespace msgkit::test;
using namespace std::chrono_literals;

namespace {

struct recorder final : stream_handler {
  void on_bytes(bytes_view octets) override {
    received.append(as_text(octets));
    ++reads;
  }
  void on_drained() override { ++drained; }
  void on_closed(std::error_code why) override {
    ++closed;
    reason = why;
  }
  std::string received;
  std::size_t reads = 0, drained = 0, closed = 0;
  std::error_code reason;
};

struct VirtualNetwork : ::testing::Test {
  void connect() {
    std::tie(near_end, far_end) = network.connect("a", "b");
    near_end->start(near);
    far_end->start(far);
  }
  void say(const std::shared_ptr<stream>& from, std::string_view text) {
    from->write(as_bytes(text));
    from->flush();
  }
  virtual_loop loop;
  random_source random{1};
  virtual_network network{loop, random};
  std::shared_ptr<recorder> near = std::make_shared<recorder>(), far = std::make_shared<recorder>();
  std::shared_ptr<stream> near_end, far_end;
};

}  // namespace

TEST(VirtualLoop, JumpsFromOneMomentToTheNext) {
  virtual_loop loop;
  std::string order;
  loop.after(2s, [&] { order += 'b'; });
  loop.after(1s, [&] { order += 'a'; });
  loop.after(2s, [&] { order += 'c'; });
  driver_timer timer{loop.executor()};
  timer.expires_after(90min);
  timer.async_wait([&](std::error_code ec) { order += ec ? '!' : 't'; });
  loop.run_for(89min);
  EXPECT_EQ(order, "abc");
  loop.run_for(1min);
  EXPECT_EQ(order, "abct");
  EXPECT_EQ(loop.elapsed(), 90min);
}

TEST(VirtualLoop, StopsWhenTheConditionHolds) {
  virtual_loop loop;
  bool done = false;
  loop.after(3s, [&] { done = true; });
  EXPECT_FALSE(loop.run_until([&] { return done; }, 1s));
  EXPECT_TRUE(loop.run_until([&] { return done; }, 1h));
  EXPECT_EQ(loop.elapsed(), 3s);
}

TEST_F(VirtualNetwork, DeliversAfterTheLatency) {
  network.set_quality({.latency_min = 10ms, .latency_max = 10ms});
  connect();
  say(near_end, "hello");
  loop.run_for(9ms);
  EXPECT_EQ(far->received, "");
  loop.run_for(1ms);
  EXPECT_EQ(far->received, "hello");
}

TEST_F(VirtualNetwork, CutsOctetsUpAndKeepsTheirOrder) {
  network.set_quality({.latency_min = 1ms, .latency_max = 50ms, .piece_max = 3});
  connect();
  std::string text;
  for (int i = 0; i < 100; ++i) {
    say(near_end, std::to_string(i) + ' ');
    text += std::to_string(i) + ' ';
  }
  loop.run_for(1s);
  EXPECT_EQ(far->received, text);
  EXPECT_GT(far->reads, text.size() / 4);
}

TEST_F(VirtualNetwork, HoldsBackWhatDoesNotFitTheWindow) {
  network.set_quality({.window_bytes = 10});
  connect();
  far_end->pause_reading();
  say(near_end, "0123456789abcdef");
  loop.run_for(1s);
  EXPECT_EQ(near_end->pending_bytes(), 6u);
  EXPECT_EQ(far->received, "");
  far_end->resume_reading();
  loop.run_for(1s);
  EXPECT_EQ(near_end->pending_bytes(), 0u);
  EXPECT_EQ(far->received, "0123456789abcdef");
  EXPECT_EQ(near->drained, 1u);
}

TEST_F(VirtualNetwork, ClosingFlushesAndTellsBothEndsOnce) {
  connect();
  say(near_end, "bye");
  near_end->close_after_flush();
  loop.run_for(1s);
  EXPECT_EQ(far->received, "bye");
  EXPECT_EQ(far->reason, asio::error::eof);
  EXPECT_FALSE(near->reason);
  EXPECT_EQ(near->closed, 1u);
  EXPECT_EQ(far->closed, 1u);
}

TEST_F(VirtualNetwork, AResetLosesTheRestOfWhatIsOnTheWay) {
  network.set_quality({.latency_min = 5ms, .latency_max = 5ms, .piece_max = 4});
  connect();
  const std::string text(400, 'x');
  say(near_end, text);
  network.reset(network.lines_of("a").front());
  loop.run_for(1s);
  EXPECT_LT(far->received.size(), text.size());
  EXPECT_EQ(far->reason, asio::error::connection_reset);
  EXPECT_EQ(near->reason, asio::error::connection_reset);
}

TEST_F(VirtualNetwork, AStallDelaysAndLosesNothing) {
  connect();
  say(near_end, "one ");
  network.stall(network.lines_of("a").front(), 10s);
  say(near_end, "two");
  loop.run_for(9s);
  EXPECT_EQ(far->received, "");
  loop.run_for(2s);
  EXPECT_EQ(far->received, "one two");
}

TEST_F(VirtualNetwork, ACutLineSaysNothingToAnybody) {
  connect();
  network.cut(network.lines_of("a").front());
  say(near_end, "lost");
  near_end->close({});
  loop.run_for(1h);
  EXPECT_EQ(far->received, "");
  EXPECT_EQ(far->closed, 0u);
  EXPECT_EQ(near->closed, 1u);
}

TEST_F(VirtualNetwork, ADeadProcessWritesNothingMore) {
  connect();
  network.kill("a");
  say(near_end, "too late");
  loop.run_for(1s);
  EXPECT_EQ(far->received, "");
  EXPECT_EQ(far->reason, asio::error::connection_reset);
  EXPECT_EQ(near->closed, 1u);
}

TEST_F(VirtualNetwork, DialingFindsListenersAndTheirAbsence) {
  std::error_code refused, away;
  std::shared_ptr<stream> made, accepted;
  network.dial("a", "b", [&](std::error_code ec, const std::shared_ptr<stream>&) { refused = ec; });
  loop.run_for(1s);
  EXPECT_EQ(refused, asio::error::connection_refused);
  network.listen("b", [&](std::shared_ptr<stream> s) { accepted = std::move(s); });
  network.dial("a", "b", [&](std::error_code, std::shared_ptr<stream> s) { made = std::move(s); });
  loop.run_for(1s);
  EXPECT_TRUE(made && accepted);
  network.set_away("b", true);
  network.dial("a", "b", [&](std::error_code ec, const std::shared_ptr<stream>&) { away = ec; });
  loop.run_for(9s);
  EXPECT_FALSE(away);
  loop.run_for(2s);
  EXPECT_TRUE(away);
}

TEST_F(VirtualNetwork, ADroppedStreamEndsTheConnection) {
  auto [first, second] = network.connect("a", "b");
  second->start(far);
  first.reset();
  loop.run_for(1s);
  EXPECT_EQ(far->reason, asio::error::eof);
}
