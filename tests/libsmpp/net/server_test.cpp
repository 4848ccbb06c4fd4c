#include "msgkit/smpp/net/server.hpp"

#include "libsmpp/net/message_centre.hpp"
#include "msgkit/core/hex.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

class Server : public OverLoopback {
 protected:
  raw_peer connect(const char* from = "127.0.0.1") { return {io, port, from}; }
  raw_peer bound_peer() {
    auto peer = connect();
    peer.send(encoded(bind_transceiver{.system_id = "esme", .password = "pw"}, 1));
    EXPECT_EQ(next(peer).status, command_status::ok);
    return peer;
  }
  template <class Pdu>
  static byte_vector encoded(const Pdu& m, std::uint32_t sequence) {
    byte_vector out;
    EXPECT_TRUE(encode(m, sequence, out));
    return out;
  }
  static header next(raw_peer& peer) {
    const auto head = peer.read(header_bytes);
    if (head.size() < header_bytes) return {};
    const auto h = read_header(head);
    (void)peer.read(h.command_length - header_bytes);
    return h;
  }
};

}  // namespace

TEST_F(Server, LimitsConnectionsInTotalAndPerAddress) {
  serve({.accept = {.connections_max = 3, .connections_per_address_max = 2}});
  auto a = bound_peer(), b = bound_peer();
  auto same_address = connect();
  EXPECT_TRUE(same_address.is_cut());
  auto other = connect("127.0.0.2"), beyond = connect("127.0.0.2");
  EXPECT_TRUE(beyond.is_cut());
  EXPECT_EQ(centre->refusals, (std::vector{refusal::connections_per_address_max, refusal::connections_max}));
  a.send(encoded(enquire_link{}, 2));
  EXPECT_EQ(next(a).id, command_id::enquire_link_resp);
}

TEST_F(Server, AnswersOfOneReadLeaveInOneWrite) {
  serve();
  auto peer = bound_peer();
  byte_vector requests;
  for (std::uint32_t i = 2; i < 52; ++i) {
    append(requests, encoded(submit_sm{.destination_addr = "1", .short_message = "x"}, i));
    append(requests, encoded(enquire_link{}, i + 1000));
  }
  peer.send(requests);
  const auto answers = peer.read_once();
  bytes_view rest = answers;
  std::size_t count = 0;
  while (rest.size() >= header_bytes) {
    rest = rest.subspan(read_header(rest).command_length);
    ++count;
  }
  EXPECT_EQ(count, 100u) << "in the peer's first read";
}

// Requests made outside of a read wait for the end of what the loop is doing, and leave together.
TEST_F(Server, RequestsMadeTogetherLeaveInOneWrite) {
  serve();
  auto peer = bound_peer();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(centre->connections.at(0)->request(deliver_sm{.short_message = "hi"}));
  EXPECT_EQ(peer.read_once().size(), 10 * encoded(deliver_sm{.short_message = "hi"}, 1).size());
}

TEST_F(Server, CutsAPeerThatDoesNotRead) {
  serve({.connection = {.session = {.role = role::mc}, .output_bytes_max = 64 * 1024}});
  auto peer = bound_peer();
  auto bystander = bound_peer();
  byte_vector flood;
  for (std::uint32_t i = 2; i < 4002; ++i) append(flood, encoded(enquire_link{}, i));
  peer.socket().non_blocking(true);
  std::size_t sent = 0;
  ASSERT_TRUE(wait([&] {
    std::error_code ec;
    sent += peer.socket().write_some(asio::buffer(flood), ec);
    return !centre->ends.empty();
  })) << sent << " octets were not enough";
  EXPECT_EQ(centre->ends[0], errc::output_limit);
  bystander.send(encoded(enquire_link{}, 2));
  EXPECT_EQ(next(bystander).id, command_id::enquire_link_resp);
}

TEST_F(Server, TheRefusalOfABindArrivesBeforeTheEnd) {
  serve();
  centre->bind_status = command_status::invalid_password;
  auto peer = connect();
  peer.send(encoded(bind_transceiver{.system_id = "esme"}, 7));
  const auto h = next(peer);
  EXPECT_EQ(h.id, command_id::bind_transceiver_resp);
  EXPECT_EQ(h.status, command_status::invalid_password);
  EXPECT_EQ(h.sequence, 7u);
  EXPECT_TRUE(peer.is_cut());
}

TEST_F(Server, TheLastAnswersArriveBeforeTheEnd) {
  serve();
  auto peer = bound_peer();
  byte_vector requests;
  for (std::uint32_t i = 2; i < 102; ++i) append(requests, encoded(submit_sm{.short_message = "x"}, i));
  append(requests, encoded(unbind{}, 200));
  peer.send(requests);
  for (std::uint32_t i = 2; i < 102; ++i) ASSERT_EQ(next(peer).sequence, i);
  EXPECT_EQ(next(peer).id, command_id::unbind_resp);
  EXPECT_TRUE(peer.is_cut());
  ASSERT_TRUE(wait([&] { return centre->ends.size() == 1; }));
  EXPECT_EQ(centre->ends[0], errc::peer_unbound);
}

// A closed session still has octets for a peer that takes none: it is not waited for without end.
TEST_F(Server, DoesNotLingerForAPeerThatNeverReads) {
  virtual_time time(time_point{} + 1h, wall_time{} + 1h);
  serve({.connection = {.session = {.role = role::mc, .window_size = 10'000, .enquire_link_interval = 0ms},
                        .output_bytes_max = 256u << 20}});
  auto peer = bound_peer();
  const auto c = centre->connections.at(0);
  const byte_vector payload(60'000, 1);
  tlv_builder tlvs;
  ASSERT_TRUE(tlvs.add(tag::message_payload, payload));
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(c->request(deliver_sm{.tlvs = tlvs.list()}, {.timeout = 24h}));
  c->close();
  run_for(io, 50ms);
  EXPECT_TRUE(centre->ends.empty()) << "the kernel took 60 MB";
  time.advance(6s);
  ASSERT_TRUE(wait([&] { return centre->ends.size() == 1; }));
  EXPECT_TRUE(centre->connections.empty());
}

TEST_F(Server, CutsAConnectionThatDoesNotBindInTime) {
  virtual_time time(time_point{} + 1h, wall_time{} + 1h);
  serve();
  auto peer = connect();
  ASSERT_TRUE(wait([&] { return centre->connections.size() == 1; }));
  time.advance(29s);
  peer.send(*from_hex("00"));
  run_for(io, 10ms);
  EXPECT_TRUE(centre->ends.empty());
  time.advance(2s);
  ASSERT_TRUE(wait([&] { return centre->ends.size() == 1; }));
  EXPECT_EQ(centre->ends[0], errc::bind_timeout);
}

TEST_F(Server, FailsOpenRequestsOfAPeerThatFellSilent) {
  virtual_time time(time_point{} + 1h, wall_time{} + 1h);
  serve();
  auto peer = bound_peer();
  ASSERT_TRUE(centre->connections.at(0)->request(deliver_sm{}, {.timeout = 24h, .cookie = 9}));
  run_for(io, 10ms);
  time.advance(31s);
  run_for(io, 10ms);
  time.advance(11s);
  ASSERT_TRUE(wait([&] { return centre->ends.size() == 1; }));
  EXPECT_EQ(centre->ends[0], errc::enquire_link_timeout);
  EXPECT_EQ(centre->outcomes, std::vector<std::uint64_t>{9});
  EXPECT_EQ(centre->outcome_errors[0], errc::session_closed);
}

TEST_F(Server, PausedReadingIsBackPressure) {
  serve();
  auto peer = bound_peer();
  const auto c = centre->connections.at(0);
  c->pause_reading();
  peer.send(encoded(submit_sm{.short_message = "wait"}, 2));
  run_for(io, 30ms);
  EXPECT_TRUE(centre->texts.empty());
  c->resume_reading();
  EXPECT_TRUE(wait([&] { return centre->texts.size() == 1; }));
}

TEST_F(Server, KnowsTheClientBehindABalancer) {
  serve({.accept = {.proxy_protocol = true}});
  auto peer = connect();
  peer.send("PROXY TCP4 192.0.2.1 198.51.100.2 56324 2775\r\n");
  peer.send(encoded(bind_transceiver{.system_id = "esme"}, 1));
  EXPECT_EQ(next(peer).status, command_status::ok);
  EXPECT_EQ(centre->connections.at(0)->peer().to_string(), "192.0.2.1:56324");
}
