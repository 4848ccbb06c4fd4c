#include "msgkit/mm7/net/client.hpp"

#include <gtest/gtest.h>

#include <charconv>

#include "msgkit/core/net/acceptor.hpp"
#include "msgkit/mm7/service.hpp"
#include "support/loopback.hpp"

using namespace msgkit;
using namespace std::chrono_literals;
using msgkit::test::run_until;

namespace {

// As much of an HTTP server as a client of ours needs, around the service.
class relay {
 public:
  explicit relay(asio::io_context& io, mm7::service_options o = {})
      : service(std::move(o), [this](std::shared_ptr<mm7::incoming> m) { take(std::move(m)); }),
        acceptor_(io.get_executor(), {}, {.on_stream = [this](const std::shared_ptr<stream>& s) {
                    ++connections;
                    streams.push_back(s);
                    s->start(std::make_shared<session>(*this, s));
                  }}) {
    EXPECT_FALSE(acceptor_.listen());
  }
  ~relay() {
    for (const auto& s : streams) s->close(std::make_error_code(std::errc::operation_canceled));
  }
  void take(std::shared_ptr<mm7::incoming> m) {
    ++messages;
    if (statuses.empty()) return m->answer({}, "m-" + std::to_string(messages));
    const auto code = statuses.front();
    statuses.erase(statuses.begin());
    m->answer({code, {}, {}});
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.port(); }

  mm7::service service;
  std::vector<mm7::status_code> statuses;  // of the next answers; then success
  std::vector<std::shared_ptr<stream>> streams;
  int connections = 0, messages = 0, requests = 0;
  bool closes = false;      // after each answer
  bool is_silent = false;   // cuts instead of answering, once

 private:
  struct session final : stream_handler {
    session(relay& o, const std::shared_ptr<stream>& s) : owner(o), transport(s) {}
    void on_bytes(bytes_view octets) override {
      buffer += as_text(octets);
      const auto end = buffer.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const auto head = buffer.substr(0, end);
      std::size_t length = 0;
      const auto text = field(head, "Content-Length");
      std::from_chars(text.data(), text.data() + text.size(), length);
      if (buffer.size() < end + 4 + length) return;
      const auto body = buffer.substr(end + 4, length);
      buffer.clear();
      ++owner.requests;
      const auto s = transport.lock();
      if (std::exchange(owner.is_silent, false)) return s->close(std::make_error_code(std::errc::connection_reset));
      const auto type = field(head, "Content-Type"), authorization = field(head, "Authorization");
      owner.service.handle({.target = "/mm7", .content_type = type, .authorization = authorization, .body = as_bytes(body)}, start,
                           [this, s](const mm7::http_reply& r) { reply(*s, r); });
    }
    void reply(stream& s, const mm7::http_reply& r) const {
      std::string head = "HTTP/1.1 " + std::to_string(r.status) + " x\r\nContent-Type: " + r.content_type +
                         "\r\nContent-Length: " + std::to_string(r.body.size()) + "\r\n";
      for (const auto& [name, value] : r.fields) head += name + ": " + value + "\r\n";
      if (owner.closes) head += "Connection: close\r\n";
      s.write(as_bytes(head + "\r\n"));
      s.write(r.body);
      if (owner.closes) s.close_after_flush();
      else s.flush();
    }
    static std::string field(const std::string& head, const std::string& name) {
      const auto at = head.find("\r\n" + name + ": ");
      if (at == std::string::npos) return {};
      const auto from = at + name.size() + 4;
      return head.substr(from, std::min(head.find("\r\n", from), head.size()) - from);
    }
    void on_closed(std::error_code) override {}
    relay& owner;
    std::weak_ptr<stream> transport;
    std::string buffer;
  };
  static constexpr time_point start{std::chrono::hours{1}};
  acceptor acceptor_;
};

mm7::envelope submit(const std::string& id) {
  mm7::submit_req m;
  m.recipients.to = {{.value = "+12025550101"}};
  return {.transaction_id = id, .operation = std::move(m)};
}

mm7::client_options options_for(const relay& r) {
  mm7::client_options o{.connect = {.port = r.port()}, .target = "/mm7"};
  o.exchange.retry = {.initial = 1ms, .maximum = 5ms};
  o.connections_max = 1;
  return o;
}

struct outcomes {
  std::vector<mm7::answer> all;
  mm7::client::handler take() {
    return [this](const mm7::answer& a) { all.push_back(a); };
  }
};

}  // namespace

TEST(Mm7Client, SendsPartsAndUsesItsConnectionAgain) {
  asio::io_context io;
  relay peer(io);
  const auto client = mm7::client::make(io.get_executor(), options_for(peer));
  outcomes got;
  const std::string text = "hello";
  const std::vector<mime::out_part> parts{{.type = mime::parse_media_type("text/plain"), .content = as_bytes(text)}};
  for (const auto* id : {"a", "b", "c"}) ASSERT_TRUE(client->send(submit(id), parts, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 3; }));
  for (const auto& a : got.all) EXPECT_EQ(a.verdict, mm7::verdict::accepted) << a.error.message();
  EXPECT_EQ(peer.connections, 1);
  EXPECT_EQ(peer.messages, 3);
}

TEST(Mm7Client, AuthenticatesWithDigestAndKeepsWhatItLearned) {
  asio::io_context io;
  mm7::server_authentication auth({.password_of = [](std::string_view u) -> std::optional<std::string> {
    if (u == "acme") return "secret";
    return std::nullopt;
  }});
  mm7::service_options so;
  so.admit = [&auth](const mm7::http_call& c, time_point now) -> mm7::admission {
    auto said = auth.check({.uri = c.target, .body = c.body}, c.authorization, now);
    if (auto* no = std::get_if<mm7::http_reply>(&said)) return std::move(*no);
    return mm7::caller{std::get<std::string>(said), {}};
  };
  relay peer(io, std::move(so));
  for (const bool closes : {false, true}) {
    peer.closes = closes;
    auto o = options_for(peer);
    o.password = {"acme", "secret"};
    const auto client = mm7::client::make(io.get_executor(), o);
    outcomes got;
    peer.requests = 0;
    for (const auto* id : {"a", "b"}) ASSERT_TRUE(client->send(submit(id + std::to_string(closes)), {}, got.take()));
    ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 2; }));
    for (const auto& a : got.all) EXPECT_EQ(a.verdict, mm7::verdict::accepted) << a.error.message();
    EXPECT_EQ(peer.requests, 3) << "only the first is refused";
  }
  auto o = options_for(peer);
  o.password = {"acme", "wrong"};
  const auto client = mm7::client::make(io.get_executor(), o);
  outcomes got;
  ASSERT_TRUE(client->send(submit("w"), {}, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 1; }));
  EXPECT_EQ(got.all[0].verdict, mm7::verdict::refused);
  EXPECT_EQ(got.all[0].http_status, 401u);
}

TEST(Mm7Client, TriesAgainAfterTemporaryStatusesAndCutConnections) {
  asio::io_context io;
  relay peer(io);
  peer.statuses = {mm7::status_code::service_unavailable, mm7::status_code::server_error};
  peer.is_silent = true;
  const auto client = mm7::client::make(io.get_executor(), options_for(peer));
  outcomes got;
  ASSERT_TRUE(client->send(submit("a"), {}, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 1; }));
  EXPECT_EQ(got.all[0].verdict, mm7::verdict::accepted);
  EXPECT_EQ(peer.messages, 3);
}

TEST(Mm7Client, AKeptConnectionThatWasClosedCostsNoAttempt) {
  asio::io_context io;
  relay peer(io);
  auto o = options_for(peer);
  o.exchange.attempts_max = 1;
  const auto client = mm7::client::make(io.get_executor(), o);
  outcomes got;
  ASSERT_TRUE(client->send(submit("a"), {}, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 1; }));
  peer.is_silent = true;
  ASSERT_TRUE(client->send(submit("b"), {}, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 2; }));
  EXPECT_EQ(got.all[1].verdict, mm7::verdict::accepted);
  EXPECT_EQ(peer.connections, 2);
}

TEST(Mm7Client, EndsWhenNobodyListens) {
  asio::io_context io;
  std::uint16_t port = 0;
  {
    relay gone(io);
    port = gone.port();
  }
  mm7::client_options o{.connect = {.port = port}};
  o.exchange.attempts_max = 2;
  o.exchange.retry = {.initial = 1ms, .maximum = 1ms};
  const auto client = mm7::client::make(io.get_executor(), o);
  outcomes got;
  ASSERT_TRUE(client->send(submit("a"), {}, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 1; }));
  EXPECT_EQ(got.all[0].verdict, mm7::verdict::try_again);
  EXPECT_TRUE(got.all[0].error);
}

TEST(Mm7Client, AnAnswerThatDoesNotComeIsATimeout) {
  asio::io_context io;
  asio::ip::tcp::acceptor mute(io, test::loopback(0));
  mm7::client_options o{.connect = {.port = mute.local_endpoint().port()}, .response_timeout = 20ms};
  o.exchange.attempts_max = 1;
  const auto client = mm7::client::make(io.get_executor(), o);
  outcomes got;
  ASSERT_TRUE(client->send(submit("a"), {}, got.take()));
  ASSERT_TRUE(run_until(io, [&] { return got.all.size() == 1; }));
  EXPECT_EQ(got.all[0].error, std::errc::timed_out);
}

TEST(Mm7Client, RefusesWhatExceedsItsQueueAndStopsPolitely) {
  asio::io_context io;
  relay peer(io);
  auto o = options_for(peer);
  o.queue_max = 2;
  const auto client = mm7::client::make(io.get_executor(), o);
  outcomes got;
  ASSERT_TRUE(client->send(submit("a"), {}, got.take()));
  ASSERT_TRUE(client->send(submit("b"), {}, got.take()));
  EXPECT_EQ(client->send(submit("c"), {}, got.take()).error().code, mm7::errc::queue_full);
  bool stopped = false;
  ASSERT_TRUE(run_until(io, [&] { return peer.requests > 0; }));
  client->stop([&] { stopped = true; });
  ASSERT_TRUE(run_until(io, [&] { return stopped; }));
  EXPECT_EQ(got.all.size(), 2u);
  EXPECT_FALSE(client->send(submit("d"), {}, got.take()));
}

TEST(HttpUrl, HasItsPartsOrIsRefused) {
  const auto u = mm7::parse_http_url("https://[::1]:8443/a?b#c");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->host, "::1");
  EXPECT_EQ(u->port, 8443);
  EXPECT_EQ(u->target, "/a?b");
  EXPECT_TRUE(u->is_tls);
  EXPECT_EQ(mm7::parse_http_url("http://relay")->port, 80);
  EXPECT_EQ(mm7::parse_http_url("http://relay?x")->target, "/?x");
  for (const auto* bad : {"", "ftp://x", "http://", "http://u:p@x/", "http://x:0/", "http://x:99999/", "http://x/a b", "http://x/\r\nA: b"})
    EXPECT_FALSE(mm7::parse_http_url(bad)) << bad;
}
