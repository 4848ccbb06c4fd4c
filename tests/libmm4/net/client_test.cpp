#include "msgkit/mm4/net/client.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "msgkit/core/net/token.hpp"
#include "relay.hpp"

namespace msgkit::mm4 {
namespace {

using namespace test;

TEST(Mm4Client, SendsManyOverFewConnections) {
  loop l;
  auto o = l.client_to();
  o.connections_max = 3;
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(c->send(usual, mail(sample("t-" + std::to_string(i))), d.done()));
  std::size_t most = 0;
  ASSERT_TRUE(l.until([&] {
    most = std::max(most, l.server.connection_count());
    return d.all.size() == 200;
  }));
  EXPECT_LE(most, 3u);
  for (const auto& one : d.all) EXPECT_FALSE(one.error) << one.error.message();
  EXPECT_EQ(l.handler->types.size(), 200u);
  bool stopped = false;
  c->stop([&] { stopped = true; });
  ASSERT_TRUE(l.until([&] { return stopped && l.server.connection_count() == 0; }));
}

TEST(Mm4Client, TriesAgainWhatWasRefusedForNow) {
  loop l;
  l.handler->answers = {smtp::make_reply(451, "4.3.0", "later"), smtp::make_reply(452, "4.3.1", "later")};
  const auto c = client::make(l.io.get_executor(), l.client_to());
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error);
  EXPECT_EQ(d.all[0].attempts, 3u);
  c->stop();
}

TEST(Mm4Client, DoesNotTryAgainWhatWasRefusedForGood) {
  loop l;
  l.handler->answers = {smtp::make_reply(554, "5.6.0", "no")};
  const auto c = client::make(l.io.get_executor(), l.client_to());
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(c->send({"a@b", {"nobody@x", "somebody@x"}}, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return d.all.size() == 2; }));
  const auto refused = d.all[0].error ? 0 : 1;
  EXPECT_EQ(d.all[static_cast<std::size_t>(refused)].error, errc::refused);
  EXPECT_EQ(d.all[static_cast<std::size_t>(refused)].attempts, 1u);
  for (const auto& one : d.all) {
    if (one.recipients.size() == 2) {
      EXPECT_EQ(one.recipients[0].answer.code, one.error ? one.recipients[0].answer.code : 550);
    }
  }
  c->stop();
}

TEST(Mm4Client, GivesUpOnAPeerThatIsNotThere) {
  loop l;
  l.server.stop();
  auto o = l.client_to();
  o.attempts_max = 3;
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return d.all.size() == 3; }));
  for (const auto& one : d.all) {
    EXPECT_EQ(one.error, asio::error::connection_refused);
    EXPECT_EQ(one.attempts, 3u);
  }
  c->stop();
}

// Case 29: a connection that ends between the last dot and its reply.
TEST(Mm4Client, DoesNotRepeatWhatMayHaveArrived) {
  asio::io_context io;
  asio::ip::tcp::acceptor listener(io, msgkit::test::loopback(0));
  asio::ip::tcp::socket accepted(io);
  int connections = 0;
  std::string heard;
  std::function<void()> accept = [&] {
    listener.async_accept([&](std::error_code ec, asio::ip::tcp::socket s) {
      if (ec) return;
      ++connections;
      accepted = std::move(s);
      asio::write(accepted, asio::buffer(std::string_view("220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n").substr(0, 7)));
      accept();
    });
  };
  accept();
  client_options o;
  o.connect.port = listener.local_endpoint().port();
  o.retry = {.initial = 1ms, .maximum = 2ms};
  const auto c = client::make(io.get_executor(), o);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  const auto answer = [&](std::string_view wanted, std::string_view reply) {
    return msgkit::test::run_until(io, [&] {
      std::error_code ec;
      if (accepted.is_open() && accepted.available(ec) > 0) {
        char octets[4096];
        heard.append(octets, accepted.read_some(asio::buffer(octets), ec));
      }
      if (heard.find(wanted) == std::string::npos) return false;
      heard.clear();
      if (reply.empty()) accepted.close(ec);
      else asio::write(accepted, asio::buffer(reply), ec);
      return true;
    });
  };
  ASSERT_TRUE(answer("EHLO", "250 x\r\n"));
  ASSERT_TRUE(answer("MAIL", "250 x\r\n"));
  ASSERT_TRUE(answer("RCPT", "250 x\r\n"));
  ASSERT_TRUE(answer("DATA", "354 x\r\n"));
  ASSERT_TRUE(answer("\r\n.\r\n", ""));
  ASSERT_TRUE(msgkit::test::run_until(io, [&] { return !d.all.empty(); }));
  EXPECT_EQ(d.all[0].error, errc::delivery_unknown);
  EXPECT_EQ(d.all[0].attempts, 1u);
  EXPECT_EQ(connections, 1);
  c->stop();
}

TEST(Mm4Client, RefusesWhatIsTooMuchOrCannotBeSaid) {
  loop l;
  auto o = l.client_to();
  o.queue_max = 1;
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  EXPECT_EQ(c->send({"a@b", {}}, mail(), d.done()).error().code, errc::recipients_missing);
  EXPECT_EQ(c->send({"a@b>\r\nX", {"c@d"}}, mail(), d.done()).error().code, errc::unsafe_command);
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  EXPECT_EQ(c->send(usual, mail(), d.done()).error().code, errc::queue_full);
  c->stop();
  EXPECT_EQ(c->send(usual, mail(), d.done()).error().code, errc::session_closed);
  ASSERT_TRUE(l.until([&] { return d.all.size() == 1; }));
}

TEST(Mm4Client, LeavesWhenThereIsNothingToDo) {
  loop l;
  auto o = l.client_to();
  o.idle_timeout = 20ms;
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty() && c->connection_count() == 0; }));
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return d.all.size() == 2; }));
  EXPECT_FALSE(d.all[1].error);
  c->stop();
}

TEST(Mm4Client, BeginsAnewAfterSoManyMessages) {
  loop l;
  auto o = l.client_to();
  o.connections_max = 1;
  o.messages_per_connection_max = 2;
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return d.all.size() == 5; }));
  ASSERT_TRUE(l.until([&] { return l.handler->closed >= 2; }));
  c->stop();
}

asio::awaitable<void> send_one(std::shared_ptr<client> c, std::error_code& error, bool& done) {
  const auto octets = mail();
  const auto to = usual;
  const auto [d] = co_await c->async_send(to, octets, as_tuple);
  error = d.error;
  done = true;
}

TEST(Mm4Client, CompletesACoroutine) {
  loop l;
  const auto c = client::make(l.io.get_executor(), l.client_to());
  std::error_code error = make_error_code(errc::refused);
  bool done = false;
  asio::co_spawn(l.io, send_one(c, error, done), asio::detached);
  ASSERT_TRUE(l.until([&] { return done; }));
  EXPECT_FALSE(error);
  c->stop();
}

}  // namespace
}  // namespace msgkit::mm4
