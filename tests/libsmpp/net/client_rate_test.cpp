// The pace of a single client, and operations that nobody awaits.
#include <asio/use_awaitable.hpp>

#include "virtual_centre.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

struct feeder final : client_handler {
  void on_bound(client& c) override { feed(c); }
  void on_ready(client& c) override { feed(c); }
  void on_batch_end(client& c) override { feed(c); }
  void on_outcome(client&, const outcome& o) override { outcomes.push_back(o.error); }
  void feed(client& c) {
    while (left > 0) {
      const auto sent = c.request(message("x"));
      if (!sent) return refusals.push_back(sent.error().field), void();
      --left;
    }
  }
  int left = 0;
  std::vector<std::error_code> outcomes;
  std::vector<std::string_view> refusals;
};

struct ClientRate : OverVirtualNetwork {
  ~ClientRate() override {
    if (c) c->stop();
    loop.run_for(60s);
  }
  std::shared_ptr<feeder> handler = std::make_shared<feeder>();
  std::shared_ptr<client> c;
};

}  // namespace

TEST_F(ClientRate, KeepsItsPaceAndTellsWhenItMayGoOn) {
  auto o = dialing();
  o.rate = std::make_shared<rate_control>(rate_options{.per_second = 50, .burst = 0ms});
  c = client::make(loop.executor(), o, handler);
  handler->left = 100;
  c->start();
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 100; }, 60s));
  EXPECT_NEAR(std::chrono::duration<double>(far->messages.back().at - far->messages.front().at).count(), 2, 0.1);
  ASSERT_FALSE(handler->refusals.empty());
  EXPECT_EQ(handler->refusals[0], "rate");
}

TEST_F(ClientRate, AThrottlingPeerGetsAPauseThenHalf) {
  auto o = dialing();
  o.rate = std::make_shared<rate_control>(rate_options{.per_second = 100, .burst = 0ms});
  c = client::make(loop.executor(), o, handler);
  std::size_t count = 0;
  far->judge = [&](const auto&) { return ++count == 10 ? command_status::throttled : command_status::ok; };
  handler->left = 100;
  c->start();
  ASSERT_TRUE(loop.run_until([&] { return handler->outcomes.size() == 100; }, 60s));
  duration longest{};
  for (std::size_t i = 1; i < far->messages.size(); ++i)
    longest = std::max(longest, far->messages[i].at - far->messages[i - 1].at);
  EXPECT_GE(longest, 990ms);
  EXPECT_GE(far->messages[40].at - far->messages[20].at, 350ms) << "at about half the pace";
}

TEST_F(ClientRate, AnOperationThatIsNeverAwaitedLeavesNothingBehind) {
  c = client::make(loop.executor(), dialing(), handler);
  c->start();
  loop.run_for(1s);
  for (int i = 0; i < 5; ++i) {
    auto dropped = c->async_submit(message("x"), {}, asio::use_awaitable);
    (void)dropped;
  }
  EXPECT_EQ(c->open_operations(), 0u);
  loop.run_for(1s);
  EXPECT_EQ(far->messages.size(), 5u) << "they left all the same";
  EXPECT_EQ(c->open_operations(), 0u);
  EXPECT_TRUE(handler->outcomes.empty());
}
