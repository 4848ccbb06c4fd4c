// The UDP driver over loopback.
#include "msgkit/goip/net/server.hpp"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <thread>

#include "libgoip/net/udp_device.hpp"
#include "msgkit/core/net/token.hpp"

namespace msgkit::goip::test {
namespace {

using namespace std::chrono_literals;
using goip_fake::udp_device;

// Keeps what comes and acknowledges it when told to.
struct recorder : server_handler {
  void on_event(server& s, event e) override {
    if (acknowledges)
      std::visit([&s](const auto& each) {
        if constexpr (requires { each.token; }) s.acknowledge(each.token);
      }, e);
    events.push_back(std::move(e));
  }
  void on_batch_end(server&) override { ++batches; }
  template <class Event>
  const Event* find() const {
    for (const auto& e : events)
      if (const auto* it = std::get_if<Event>(&e)) return it;
    return nullptr;
  }
  bool acknowledges = true;
  std::size_t batches = 0;
  std::vector<event> events;
};

struct GoipServer : ::testing::Test {
  std::shared_ptr<server> make(std::vector<listen_address> listen) {
    server_options o;
    o.listen = std::move(listen);
    auto s = server::make(io.get_executor(), std::move(o), handler);
    line = *s->add_line({.id = "g1", .password = "pw", .pacing = 0ms});
    return s;
  }
  std::shared_ptr<server> listening() {
    auto s = make({{"127.0.0.1", 0}});
    const auto ec = s->listen();
    EXPECT_FALSE(ec) << ec.message();
    return s;
  }
  goip_fake::line_options fast() { return {.id = "g1", .password = "pw", .sending_time = 0ms}; }
  // Fake lines have their timers from here too.
  bool run_until(const std::function<bool()>& done, udp_device* d = nullptr) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.restart();
      io.run_for(5ms);
      if (d != nullptr) d->pump();
    }
    return true;
  }
  asio::io_context io;
  std::shared_ptr<recorder> handler = std::make_shared<recorder>();
  line_key line{};
};

TEST_F(GoipServer, RegistersALineAndTakesItsSms) {
  const auto s = listening();
  udp_device d(io, "127.0.0.1", s->port(), fast());
  ASSERT_TRUE(run_until([&] { return d.line.is_registered(); }));
  d.line.deliver_sms("+1", "hello; world", driver_clock::now());
  d.pump();
  ASSERT_TRUE(run_until([&] { return d.line.unacknowledged() == 0; }));
  EXPECT_EQ(handler->find<sms_received>()->text, "hello; world");
  EXPECT_GT(handler->batches, 0u);
  s->stop();
}

TEST_F(GoipServer, AcknowledgesLaterWhenToldFromOutsideABatch) {
  handler->acknowledges = false;
  const auto s = listening();
  udp_device d(io, "127.0.0.1", s->port(), fast());
  d.line.deliver_sms("+1", "x", driver_clock::now());
  d.pump();
  ASSERT_TRUE(run_until([&] { return handler->find<sms_received>() != nullptr; }));
  EXPECT_EQ(d.line.unacknowledged(), 1u);
  s->acknowledge(handler->find<sms_received>()->token);
  EXPECT_TRUE(run_until([&] { return d.line.unacknowledged() == 0; }));
}

asio::awaitable<void> talk(std::shared_ptr<server> s, line_key line, std::vector<std::string>& out) {
  auto [sms_error, sms] = co_await s->async_send_sms(line, "+3725", "hello", as_tuple);
  out.push_back(sms_error ? sms_error.message() : std::string(to_string(sms.outcome)));
  auto [bad, nothing] = co_await s->async_send_sms(line, "not a number", "hello", as_tuple);
  out.push_back(bad == errc::invalid_destination && nothing.cookie == 0 ? "refused" : "accepted");
  auto [ussd_error, ussd] = co_await s->async_ussd(line, "*100#", false, as_tuple);
  out.push_back(ussd_error ? ussd_error.message() : ussd.text);
  std::vector<std::string> arguments{"+5"};
  auto [command_error, done] = co_await s->async_command(line, command::set_gsm_num, std::move(arguments), as_tuple);
  out.push_back(command_error ? command_error.message() : done.value);
}

TEST_F(GoipServer, AsyncOperationsGetTheirOutcome) {
  const auto s = listening();
  udp_device d(io, "127.0.0.1", s->port(), fast());
  ASSERT_TRUE(run_until([&] { return d.line.is_registered(); }));
  std::vector<std::string> out;
  asio::co_spawn(io, talk(s, line, out), asio::detached);
  ASSERT_TRUE(run_until([&] { return out.size() == 4; }, &d));
  EXPECT_EQ(out, (std::vector<std::string>{"sent", "refused", "answer to *100#", "+5"}));
  EXPECT_EQ(handler->find<sms_done>(), nullptr);
  ASSERT_EQ(d.line.sent().size(), 1u);
}

TEST_F(GoipServer, StopEndsOperationsThatWait) {
  const auto s = listening();
  std::error_code ended;
  s->async_send_sms(line, "+1", "x", [&](std::error_code ec, const sms_done&) { ended = ec; });
  s->stop();
  ASSERT_TRUE(run_until([&] { return bool(ended); }));
  EXPECT_EQ(ended, errc::canceled);
}

TEST_F(GoipServer, DrainEndsWhenNothingIsUnderWay) {
  const auto s = listening();
  bool drained = false;
  s->drain(10s, [&] { drained = true; });
  EXPECT_TRUE(run_until([&] { return drained; }));
  EXPECT_EQ(s->send_sms(line, "+1", "x", 1).error().code, errc::draining);
}

TEST_F(GoipServer, DrainEndsAtItsLimit) {
  const auto s = listening();
  auto mute = fast();
  mute.sending_time = 1h;
  udp_device d(io, "127.0.0.1", s->port(), mute);
  ASSERT_TRUE(run_until([&] { return d.line.is_registered(); }));
  ASSERT_TRUE(s->send_sms(line, "+1", "x", 1));
  ASSERT_TRUE(run_until([&] { return s->session().counters().datagrams_sent >= 4; }));  // reg, MSG, PASSWORD, SEND
  bool drained = false;
  s->drain(100ms, [&] { drained = true; });
  EXPECT_TRUE(run_until([&] { return drained; }));
  EXPECT_FALSE(s->session().is_idle());
}

TEST_F(GoipServer, TooLongDatagramsAreCountedNotRead) {
  const auto s = listening();
  udp_device d(io, "127.0.0.1", s->port(), fast());
  d.say("RECEIVE:1;id:g1;password:pw;srcnum:1;msg:" + std::string(60'000, 'x'));
  d.say("RECEIVE:2;id:g1;password:pw;srcnum:1;msg:" + std::string(datagram_bytes_max - 40, 'x'));
  ASSERT_TRUE(run_until([&] { return s->session().counters().oversize == 2; }));
  EXPECT_EQ(handler->find<sms_received>(), nullptr);
}

TEST_F(GoipServer, SeveralSocketsServeTheSameLinesOverBothProtocols) {
  const auto s = make({{"127.0.0.1", 0}, {"::1", 0}});
  const auto ec = s->listen();
  if (ec) GTEST_SKIP() << "no IPv6 here: " << ec.message();
  ASSERT_NE(s->port(0), s->port(1));
  (void)s->add_line({.id = "g2", .password = "pw"});
  auto six = fast();
  six.id = "g2";
  udp_device d4(io, "127.0.0.1", s->port(0), fast()), d6(io, "::1", s->port(1), six);
  ASSERT_TRUE(run_until([&] { return d4.line.is_registered() && d6.line.is_registered(); }));
  EXPECT_TRUE(to_string(s->session().status(*s->session().find_line("g2"))->endpoint).starts_with("[::1]:"));
  EXPECT_EQ(s->session().status(line)->endpoint.socket, 0);
}

TEST_F(GoipServer, SourcesCanBeLimitedToRanges) {
  const auto s = listening();
  const auto allow = [&](std::string range) {
    return s->update_line(line, {.id = "g1",
                                 .password = "pw",
                                 .source_allowed = only_from(*ip_ranges::parse({std::move(range)}))});
  };
  ASSERT_TRUE(allow("192.0.2.0/24"));
  udp_device d(io, "127.0.0.1", s->port(), fast());
  ASSERT_TRUE(run_until([&] { return s->session().counters().source_refused == 1; }));
  ASSERT_TRUE(allow("127.0.0.0/8"));
  d.line.say_keepalive(driver_clock::now());
  d.pump();
  EXPECT_TRUE(run_until([&] { return d.line.is_registered(); }));
}

TEST_F(GoipServer, AnAddressInUseIsAnError) {
  const auto s = listening();
  const auto other = make({{"127.0.0.1", s->port()}});
  EXPECT_EQ(other->listen(), asio::error::address_in_use);
  EXPECT_TRUE(make({{"not an address", 0}})->listen());
}

// Two servers, two threads.
TEST_F(GoipServer, ServersOfDifferentThreadsDoNotShareAnything) {
  const auto serve = [](std::uint64_t& keepalives) {
    asio::io_context own;
    server_options o;
    o.listen = {{"127.0.0.1", 0}};
    const auto s = server::make(own.get_executor(), std::move(o), nullptr);
    (void)s->add_line({.id = "g1", .password = "pw"});
    if (s->listen()) return;
    udp_device d(own, "127.0.0.1", s->port(), {.id = "g1", .password = "pw"});
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!d.line.is_registered() && std::chrono::steady_clock::now() < end) own.run_one_for(10ms);
    keepalives = s->session().counters().keepalives;
    s->stop();
  };
  std::uint64_t first = 0, second = 0;
  std::thread other([&] { serve(first); });
  serve(second);
  other.join();
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(second, 1u);
}

}  // namespace
}  // namespace msgkit::goip::test
