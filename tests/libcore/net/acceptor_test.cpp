#include "msgkit/core/net/acceptor.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "msgkit/core/hex.hpp"
#include "support/loopback.hpp"

using namespace msgkit;
using namespace msgkit::test;

namespace {

// Keeps every stream and reads into it.
struct keeper : stream_handler {
  void on_bytes(bytes_view octets) override { append(received, octets); }
  void on_closed(std::error_code) override { closed = true; }
  byte_vector received;
  bool closed = false;
};

class Acceptor : public ::testing::Test {
 protected:
  void listen(acceptor_options options) {
    under_test.emplace(io.get_executor(), std::move(options),
                       acceptor::callbacks{.on_stream =
                                               [this](std::shared_ptr<stream> s) {
                                                 handlers.push_back(std::make_shared<keeper>());
                                                 s->start(handlers.back());
                                                 streams.push_back(std::move(s));
                                               },
                                           .on_refused =
                                               [this](refusal why, const peer_address& from) {
                                                 refusals.push_back(why);
                                                 refused_peers.push_back(from);
                                               }});
    ASSERT_FALSE(under_test->listen());
  }
  raw_peer connect(const char* from = "127.0.0.1") { return {io, under_test->port(), from}; }
  bool wait_streams(std::size_t count) {
    return run_until(io, [&] { return streams.size() >= count; });
  }
  bool wait_refusals(std::size_t count) {
    return run_until(io, [&] { return refusals.size() >= count; });
  }

  asio::io_context io;
  std::vector<std::shared_ptr<stream>> streams;
  std::vector<std::shared_ptr<keeper>> handlers;
  std::vector<refusal> refusals;
  std::vector<peer_address> refused_peers;
  std::optional<acceptor> under_test;
};

constexpr std::string_view v1_line = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 2775\r\n";

}  // namespace

TEST_F(Acceptor, SaysWhenTheAddressIsTaken) {
  listen({});
  acceptor second(io.get_executor(), {.listen_port = under_test->port()}, {});
  EXPECT_EQ(second.listen(), std::errc::address_in_use);
  acceptor elsewhere(io.get_executor(), {.listen_host = "not an address"}, {});
  EXPECT_TRUE(elsewhere.listen());
}

TEST_F(Acceptor, StopsAcceptingAndKeepsWhatItHas) {
  listen({});
  auto peer = connect();
  ASSERT_TRUE(wait_streams(1));
  under_test->stop();
  peer.send("still there");
  EXPECT_TRUE(run_until(io, [&] { return handlers[0]->received.size() == 11; }));
  EXPECT_ANY_THROW(connect());
}

TEST_F(Acceptor, LimitsConnectionsInTotal) {
  listen({.connections_max = 3});
  std::vector<std::unique_ptr<raw_peer>> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(std::make_unique<raw_peer>(io, under_test->port()));
  ASSERT_TRUE(wait_refusals(2));
  EXPECT_EQ(refusals, (std::vector{refusal::connections_max, refusal::connections_max}));
  EXPECT_EQ(under_test->connection_count(), 3u);
  EXPECT_TRUE(peers[3]->is_cut());
  // A place is free again when its stream is gone.
  peers[0].reset();
  ASSERT_TRUE(run_until(io, [&] { return handlers[0]->closed; }));
  streams.erase(streams.begin());
  ASSERT_TRUE(run_until(io, [&] { return under_test->connection_count() == 2; }));
  auto next = connect();
  EXPECT_TRUE(wait_streams(3));
}

TEST_F(Acceptor, LimitsConnectionsPerAddress) {
  listen({.connections_per_address_max = 2});
  auto a = connect(), b = connect(), c = connect();
  ASSERT_TRUE(wait_refusals(1));
  EXPECT_EQ(refusals[0], refusal::connections_per_address_max);
  EXPECT_EQ(refused_peers[0].address, "127.0.0.1");
  EXPECT_TRUE(c.is_cut());
  auto other = connect("127.0.0.2");
  EXPECT_TRUE(wait_streams(3));
}

TEST_F(Acceptor, PausesWithoutDescriptorsAndGoesOnAfterwards) {
  listen({});
  auto first = connect();
  ASSERT_TRUE(wait_streams(1));
  auto second = connect();  // made while there still are descriptors, accepted when there are none
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  const int free_one = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(free_one);
  none.rlim_cur = static_cast<rlim_t>(free_one);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool refused = wait_refusals(1);
  std::size_t rounds = 0;
  const auto until = std::chrono::steady_clock::now() + 250ms;
  while (std::chrono::steady_clock::now() < until) rounds += io.run_one_for(10ms);
  first.send("x");
  const bool goes_on = run_until(io, [&] { return handlers[0]->received.size() == 1; });
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refusals[0], refusal::out_of_descriptors);
  EXPECT_LT(rounds, 20u) << "accepting spins";
  EXPECT_TRUE(goes_on);
  EXPECT_TRUE(wait_streams(2));
}

TEST_F(Acceptor, TakesTheClientsAddressFromTheProxyHeader) {
  listen({.proxy_protocol = true});
  auto v1 = connect();
  v1.send(std::string(v1_line) + "first octets");
  ASSERT_TRUE(wait_streams(1));
  EXPECT_EQ(streams[0]->peer().to_string(), "192.0.2.1:56324");
  EXPECT_TRUE(run_until(io, [&] { return as_text(handlers[0]->received) == "first octets"; }));
  auto v2 = connect();
  v2.send(*from_hex("0d0a0d0a000d0a515549540a" "2111000c" "c0000207" "c6336402" "dc04" "0ad7" "aa"));
  ASSERT_TRUE(wait_streams(2));
  EXPECT_EQ(streams[1]->peer().to_string(), "192.0.2.7:56324");
  EXPECT_TRUE(run_until(io, [&] { return handlers[1]->received == byte_vector{0xAA}; }));
  auto local = connect();
  local.send("PROXY UNKNOWN\r\n");
  ASSERT_TRUE(wait_streams(3));
  EXPECT_EQ(streams[2]->peer().address, "127.0.0.1");
}

TEST_F(Acceptor, TakesAProxyHeaderInPieces) {
  listen({.proxy_protocol = true});
  auto peer = connect();
  for (const auto octet : v1_line) {
    peer.send(std::string_view(&octet, 1));
    run_for(io, 1ms);
  }
  ASSERT_TRUE(wait_streams(1));
  EXPECT_EQ(streams[0]->peer().address, "192.0.2.1");
}

TEST_F(Acceptor, CutsWhatBeginsWithoutAProxyHeader) {
  listen({.proxy_protocol = true});
  auto peer = connect();
  peer.send(*from_hex("0000001000000015000000000000000100"));
  ASSERT_TRUE(wait_refusals(1));
  EXPECT_EQ(refusals[0], refusal::proxy_header);
  EXPECT_TRUE(peer.is_cut());
  EXPECT_TRUE(streams.empty());
}

TEST_F(Acceptor, CutsASlowProxyHeader) {
  listen({.proxy_protocol = true, .proxy_header_timeout = 60ms});
  auto silent = connect();
  auto slow = connect();
  slow.send("PROXY TCP4 192");
  ASSERT_TRUE(wait_refusals(2));
  EXPECT_TRUE(silent.is_cut());
  EXPECT_TRUE(slow.is_cut());
  EXPECT_TRUE(streams.empty());
  EXPECT_EQ(under_test->connection_count(), 0u);
}

// Else a crowd that never says who it is would be limited by descriptors alone.
TEST_F(Acceptor, CountsConnectionsThatHaveNotSentTheirProxyHeader) {
  listen({.connections_max = 2, .proxy_protocol = true});
  auto a = connect(), b = connect();
  ASSERT_TRUE(run_until(io, [&] { return under_test->connection_count() == 2; }));
  auto c = connect();
  ASSERT_TRUE(wait_refusals(1));
  EXPECT_EQ(refusals[0], refusal::connections_max);
  a.send(v1_line);
  EXPECT_TRUE(wait_streams(1));
  EXPECT_EQ(under_test->connection_count(), 2u);
}

TEST_F(Acceptor, CountsTheAddressBehindTheBalancer) {
  listen({.connections_per_address_max = 1, .proxy_protocol = true});
  auto a = connect(), b = connect();
  a.send(v1_line);
  b.send("PROXY TCP4 192.0.2.2 198.51.100.2 1 2775\r\n");
  ASSERT_TRUE(wait_streams(2));
  auto again = connect();
  again.send(v1_line);
  ASSERT_TRUE(wait_refusals(1));
  EXPECT_EQ(refusals[0], refusal::connections_per_address_max);
  EXPECT_EQ(refused_peers[0].address, "192.0.2.1");
}
