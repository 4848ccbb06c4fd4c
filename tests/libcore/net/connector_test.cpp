#include "msgkit/core/net/connector.hpp"

#include "msgkit/core/error.hpp"
#include "support/loopback.hpp"

using namespace msgkit;
using namespace msgkit::test;
using asio::ip::tcp;

namespace {

struct attempt {
  int calls = 0;
  std::error_code error;
  std::shared_ptr<stream> made;
  connector::handler handler() {
    return [this](std::error_code ec, std::shared_ptr<stream> s) {
      ++calls;
      error = ec;
      made = std::move(s);
    };
  }
};

class Connector : public ::testing::Test {
 protected:
  // A port nobody listens on.
  std::uint16_t dead_port() {
    tcp::acceptor listener(io, loopback(0));
    return listener.local_endpoint().port();
  }
  bool run(attempt& a) {
    return run_until(io, [&] { return a.calls == 1; });
  }
  asio::io_context io;
  connector under_test{io.get_executor()};
};

}  // namespace

TEST_F(Connector, HandsOutAStreamThatKnowsItsPeer) {
  tcp::acceptor listener(io, loopback(0));
  const auto port = listener.local_endpoint().port();
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    attempt a;
    under_test.connect({.host = host, .port = port}, a.handler());
    ASSERT_TRUE(run(a));
    ASSERT_FALSE(a.error) << a.error.message();
    EXPECT_EQ(a.made->peer().to_string(), "127.0.0.1:" + std::to_string(port));
  }
}

TEST_F(Connector, TellsThatNobodyListens) {
  attempt a;
  under_test.connect({.port = dead_port()}, a.handler());
  ASSERT_TRUE(run(a));
  EXPECT_EQ(a.error, asio::error::connection_refused);
  EXPECT_EQ(a.made, nullptr);
}

TEST_F(Connector, TellsThatANameIsNone) {
  attempt a;
  under_test.connect({.host = "no such host", .port = 1}, a.handler());
  ASSERT_TRUE(run(a));
  EXPECT_TRUE(a.error);
}

// A listener whose queue is full leaves further connects without an answer.
TEST_F(Connector, GivesUpAfterItsTimeLimit) {
  tcp::acceptor listener(io, tcp::v4());
  listener.bind(loopback(0));
  listener.listen(0);
  std::vector<tcp::socket> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(io);
    fillers.back().async_connect(listener.local_endpoint(), [](std::error_code) {});
  }
  run_for(io, 20ms);
  attempt a;
  under_test.connect({.port = listener.local_endpoint().port(), .timeout = 50ms}, a.handler());
  ASSERT_TRUE(run(a));
  EXPECT_EQ(a.error, errc::timed_out);
}

TEST_F(Connector, CompletesAWithdrawnAttemptOnce) {
  tcp::acceptor listener(io, loopback(0));
  attempt a;
  under_test.connect({.port = listener.local_endpoint().port()}, a.handler());
  under_test.cancel();
  under_test.cancel();
  EXPECT_EQ(a.calls, 0) << "never from inside";
  ASSERT_TRUE(run(a));
  EXPECT_EQ(a.error, errc::canceled);
  attempt next;
  under_test.connect({.port = listener.local_endpoint().port()}, next.handler());
  ASSERT_TRUE(run(next));
  EXPECT_FALSE(next.error);
  EXPECT_EQ(a.calls, 1);
}
