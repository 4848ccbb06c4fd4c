#include "msgkit/core/net/stream.hpp"

#include <fstream>
#include <unistd.h>

#include "support/loopback.hpp"

using namespace msgkit;
using namespace msgkit::test;
using asio::ip::tcp;

namespace {

struct recorder : stream_handler {
  void on_bytes(bytes_view octets) override {
    ++reads;
    append(received, octets);
  }
  void on_drained() override { ++drained; }
  void on_closed(std::error_code why) override {
    ++closed;
    reason = why;
  }
  byte_vector received;
  int reads = 0, drained = 0, closed = 0;
  std::error_code reason;
};

class PlainStream : public ::testing::Test {
 protected:
  PlainStream() {
    tcp::acceptor listener(io, loopback(0));
    tcp::socket ours(io);
    ours.connect(listener.local_endpoint());
    peer = std::make_unique<raw_peer>(io, listener.accept());
    handler = std::make_shared<recorder>();
    under_test = stream::make_plain(std::move(ours), {"127.0.0.1", 1});
  }
  void start() { under_test->start(handler); }

  asio::io_context io;
  std::unique_ptr<raw_peer> peer;
  std::shared_ptr<recorder> handler;
  std::shared_ptr<stream> under_test;
};

// Resident memory of this process, in octets.
std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_F(PlainStream, HandsOverWhatArrives) {
  start();
  peer->send("hello");
  ASSERT_TRUE(run_until(io, [&] { return handler->received.size() == 5; }));
  EXPECT_EQ(as_text(handler->received), "hello");
}

TEST_F(PlainStream, NothingLeavesBeforeFlushAndThenAllInOneWrite) {
  start();
  for (int i = 0; i < 100; ++i) under_test->write(as_bytes(std::string_view("0123456789")));
  run_for(io, 20ms);
  EXPECT_EQ(peer->socket().available(), 0u);
  EXPECT_EQ(under_test->pending_bytes(), 1000u);
  under_test->flush();
  EXPECT_EQ(under_test->pending_bytes(), 0u);
  EXPECT_EQ(peer->read_once().size(), 1000u);
}

TEST_F(PlainStream, KeepsTheOrderWhenTheKernelTakesOnlyAPart) {
  start();
  byte_vector sent(16 << 20);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * 7 + (i >> 13));
  under_test->write(sent);
  under_test->flush();
  EXPECT_GT(under_test->pending_bytes(), 0u);
  EXPECT_EQ(peer->read(sent.size()), sent);
  EXPECT_TRUE(run_until(io, [&] { return handler->drained > 0; }));
}

// A peer that always leaves something unread must not make the queue grow by what it has read.
TEST_F(PlainStream, MemoryFollowsWhatIsPendingNotWhatWasSent) {
  start();
  const byte_vector block(1 << 20, 0x55);
  for (int i = 0; i < 16; ++i) under_test->write(block);
  under_test->flush();
  ASSERT_GT(under_test->pending_bytes(), 0u);
  const auto before = resident_bytes();
  for (int i = 0; i < 256; ++i) {
    ASSERT_EQ(peer->read(block.size()).size(), block.size());
    under_test->write(block);
    under_test->flush();
    ASSERT_GT(under_test->pending_bytes(), 0u) << "the queue ran empty: nothing is tested";
  }
  EXPECT_LT(resident_bytes(), before + (64u << 20));
}

TEST_F(PlainStream, PausedReadingLeavesTheOctetsToTheKernel) {
  start();
  under_test->pause_reading();
  peer->send("later");
  run_for(io, 20ms);
  EXPECT_EQ(handler->reads, 0);
  under_test->resume_reading();
  under_test->resume_reading();
  EXPECT_TRUE(run_until(io, [&] { return as_text(handler->received) == "later"; }));
}

TEST_F(PlainStream, CloseAfterFlushSendsWhatIsQueuedAndDropsWhatComesLater) {
  start();
  const byte_vector block(8 << 20, 1);
  under_test->write(block);
  under_test->close_after_flush();
  under_test->write(block);
  EXPECT_EQ(handler->closed, 0);
  EXPECT_EQ(peer->read(2 * block.size()).size(), block.size());
  EXPECT_TRUE(run_until(io, [&] { return handler->closed == 1; }));
  EXPECT_EQ(handler->reason, std::error_code());
}

TEST_F(PlainStream, TellsTheEndOnceWithItsReason) {
  start();
  peer->socket().shutdown(tcp::socket::shutdown_send);
  ASSERT_TRUE(run_until(io, [&] { return handler->closed == 1; }));
  EXPECT_EQ(handler->reason, asio::error::eof);
  under_test->close(asio::error::access_denied);
  run_for(io, 10ms);
  EXPECT_EQ(handler->closed, 1);
  EXPECT_EQ(handler.use_count(), 1) << "the stream still holds its handler";
}

TEST_F(PlainStream, ClosingNeverCallsBackFromInside) {
  start();
  under_test->close(asio::error::access_denied);
  EXPECT_EQ(handler->closed, 0);
  ASSERT_TRUE(run_until(io, [&] { return handler->closed == 1; }));
  EXPECT_EQ(handler->reason, asio::error::access_denied);
  EXPECT_TRUE(peer->is_cut());
}

TEST_F(PlainStream, SurvivesAResetWhileItWrites) {
  start();
  peer->socket().set_option(asio::socket_base::linger(true, 0));
  under_test->write(byte_vector(32 << 20, 1));
  under_test->flush();
  peer->socket().close();
  ASSERT_TRUE(run_until(io, [&] { return handler->closed == 1; }));
  EXPECT_TRUE(handler->reason);
}

TEST(PeerAddress, PutsBracketsAroundIpv6) {
  EXPECT_EQ((peer_address{"192.0.2.1", 80}.to_string()), "192.0.2.1:80");
  EXPECT_EQ((peer_address{"2001:db8::1", 80}.to_string()), "[2001:db8::1]:80");
}
