#include "msgkit/mm4/smtp/client_session.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4::smtp {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

struct script {
  explicit script(client_session_options o = {}) : session(o, start) {}

  // What the client says after these replies.
  std::string hear(std::string_view replies) {
    session.feed(as_bytes(replies), now);
    drain();
    return output();
  }
  std::string output() {
    std::string all;
    do {
      all += as_text(session.output());
      session.clear_output();
      if (session.has_more()) session.produce(now);
    } while (!session.output().empty());
    return all;
  }
  void drain() {
    while (const auto e = session.next_event()) {
      if (e->kind == client_event_kind::ready) ++ready;
      if (e->kind == client_event_kind::start_tls) tls_wanted = true;
      if (e->kind == client_event_kind::outcome) outcomes.push_back(*e->outcome);
      if (e->kind == client_event_kind::closed) closed = true, reason = e->reason;
    }
  }
  void get_ready(const std::string& extensions = "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000\r\n") {
    hear("220 mx\r\n");
    hear(extensions);
    ASSERT_TRUE(session.is_ready());
  }
  time_point now = start;
  client_session session;
  int ready = 0;
  bool tls_wanted = false, closed = false;
  std::error_code reason;
  std::vector<transaction_outcome> outcomes;
};

const std::string content = "Subject: x\r\n\r\n.dot\r\n";
transaction mail(std::vector<std::string> to = {"c@d"}) { return {"a@b", std::move(to), as_bytes(content), 7}; }

TEST(SmtpClient, SendsAMessage) {
  script c;
  EXPECT_EQ(c.output(), "");
  EXPECT_EQ(c.hear("220-mx\r\n220 more\r\n"), "EHLO localhost\r\n");
  EXPECT_EQ(c.hear("250-mx\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"), "");
  ASSERT_TRUE(c.session.send(mail({"c@d", "e@f"}), c.now));
  EXPECT_EQ(c.output(), "MAIL FROM:<a@b> SIZE=20\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n");
  EXPECT_EQ(c.hear("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n"), "DATA\r\n");
  EXPECT_EQ(c.hear("354 go\r\n"), "Subject: x\r\n\r\n..dot\r\n.\r\n");
  c.hear("250 2.0.0 queued as 1\r\n");
  ASSERT_EQ(c.outcomes.size(), 1u);
  EXPECT_FALSE(c.outcomes[0].error);
  EXPECT_EQ(c.outcomes[0].cookie, 7u);
  EXPECT_TRUE(c.outcomes[0].recipients[0].answer.is_positive());
  EXPECT_EQ(c.outcomes[0].recipients[1].answer.enhanced, "5.1.1");
  EXPECT_EQ(c.ready, 2);
  c.session.quit(c.now);
  EXPECT_EQ(c.output(), "QUIT\r\n");
  c.hear("221 bye\r\n");
  EXPECT_TRUE(c.closed);
  EXPECT_FALSE(c.reason);
}

TEST(SmtpClient, GoesStepByStepWithoutPipeliningAndFallsBackToHelo) {
  script c;
  EXPECT_EQ(c.hear("220 mx\r\n"), "EHLO localhost\r\n");
  EXPECT_EQ(c.hear("502 what\r\n"), "HELO localhost\r\n");
  EXPECT_EQ(c.hear("250 hi\r\n"), "");
  ASSERT_TRUE(c.session.send(mail(), c.now));
  EXPECT_EQ(c.output(), "MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(c.hear("250 ok\r\n"), "RCPT TO:<c@d>\r\n");
  EXPECT_EQ(c.hear("250 ok\r\n"), "DATA\r\n");
}

TEST(SmtpClient, TellsRefusalsApart) {
  const struct {
    const char* replies;
    errc expected;
  } rows[] = {{"550 no\r\n503 x\r\n", errc::refused},
              {"451 later\r\n503 x\r\n", errc::refused_temporarily},
              {"250 ok\r\n550 no\r\n", errc::refused},
              {"250 ok\r\n450 later\r\n", errc::refused_temporarily}};
  for (const auto& row : rows) {
    script c;
    c.get_ready();
    ASSERT_TRUE(c.session.send(mail(), c.now));
    c.output();
    EXPECT_EQ(c.hear(row.replies), "RSET\r\n");
    ASSERT_EQ(c.outcomes.size(), 1u);
    EXPECT_EQ(c.outcomes[0].error, row.expected) << row.replies;
    c.hear("250 ok\r\n");
    EXPECT_TRUE(c.session.is_ready());
  }
}

TEST(SmtpClient, ARefusalOfTheContentIsTheOutcome) {
  script c;
  c.get_ready();
  ASSERT_TRUE(c.session.send(mail(), c.now));
  c.hear("250 ok\r\n250 ok\r\n");
  c.hear("354 go\r\n");
  c.hear("554 5.6.0 malformed MM4\r\n");
  EXPECT_EQ(c.outcomes.at(0).error, errc::refused);
  EXPECT_EQ(c.outcomes.at(0).answer.text(), "554 5.6.0 malformed MM4");
  EXPECT_TRUE(c.session.is_ready());
}

// Case 29
TEST(SmtpClient, KnowsWhenItCannotKnow) {
  script before;
  before.get_ready();
  ASSERT_TRUE(before.session.send(mail(), before.now));
  before.hear("250 ok\r\n250 ok\r\n");
  before.session.disconnected({});
  before.drain();
  EXPECT_EQ(before.outcomes.at(0).error, errc::session_closed);
  script after;
  after.get_ready();
  ASSERT_TRUE(after.session.send(mail(), after.now));
  after.hear("250 ok\r\n250 ok\r\n");
  after.hear("354 go\r\n");
  after.session.disconnected({});
  after.drain();
  EXPECT_EQ(after.outcomes.at(0).error, errc::delivery_unknown);
  EXPECT_TRUE(after.closed);
}

TEST(SmtpClient, TimesOut) {
  script c({.greeting_timeout = 5s});
  EXPECT_EQ(c.session.next_deadline(), start + 5s);
  c.session.on_time(start + 5s);
  c.drain();
  EXPECT_EQ(c.reason, errc::command_timeout);
}

TEST(SmtpClient, A421EndsTheConnectionWithOneOutcome) {
  script c;
  c.get_ready();
  ASSERT_TRUE(c.session.send(mail(), c.now));
  c.hear("421 4.3.2 going down\r\n");
  ASSERT_EQ(c.outcomes.size(), 1u);
  EXPECT_EQ(c.outcomes[0].error, errc::refused_temporarily);
  EXPECT_TRUE(c.closed);
}

TEST(SmtpClient, RefusesWhatCannotBeSaid) {
  script c;
  EXPECT_EQ(c.session.send(mail(), c.now).error().code, errc::state_forbids);
  c.get_ready();
  EXPECT_EQ(c.session.send(mail({}), c.now).error().code, errc::recipients_missing);
  for (const std::string bad : {"a@b>\r\nRCPT TO:<x@y", "a b@c", "a\n@b", ""})
    EXPECT_EQ(c.session.send(mail({bad}), c.now).error().code, errc::unsafe_command) << bad;
  auto big = mail();
  const std::string much(1001, 'x');
  big.content = as_bytes(much);
  EXPECT_EQ(c.session.send(big, c.now).error().code, errc::size_exceeded);
}

TEST(SmtpClient, StartsTlsAndAsksAgain) {
  script c({.tls = tls_policy::required, .can_tls = true, .user = "u", .password = "p"});
  c.hear("220 mx\r\n");
  EXPECT_EQ(c.hear("250-mx\r\n250 STARTTLS\r\n"), "STARTTLS\r\n");
  c.hear("220 go\r\n");
  EXPECT_TRUE(c.tls_wanted);
  c.session.tls_started(c.now);
  EXPECT_EQ(c.output(), "EHLO localhost\r\n");
  EXPECT_EQ(c.hear("250-mx\r\n250 AUTH LOGIN PLAIN\r\n"), "AUTH PLAIN AHUAcA==\r\n");
  c.hear("235 ok\r\n");
  EXPECT_TRUE(c.session.is_ready());
}
TEST(SmtpClient, TakesNoRepliesThatStoodBehindStarttls) {
  script c({.can_tls = true});
  c.hear("220 mx\r\n");
  c.hear("250-mx\r\n250 STARTTLS\r\n");
  c.hear("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n");
  EXPECT_FALSE(c.tls_wanted);
  EXPECT_TRUE(c.closed);
}
TEST(SmtpClient, DoesNotGoOnWithoutTheTlsItNeeds) {
  for (const std::string answer : {"250 mx\r\n", "250-mx\r\n250 STARTTLS\r\n"}) {
    script c({.tls = tls_policy::required, .can_tls = true});
    c.hear("220 mx\r\n");
    c.hear(answer);
    if (!c.closed) c.hear("454 not now\r\n");
    EXPECT_EQ(c.reason, errc::tls_unavailable);
  }
}
TEST(SmtpClient, SendsNoPasswordInTheClear) {
  script c({.user = "u", .password = "p"});
  c.hear("220 mx\r\n");
  EXPECT_EQ(c.hear("250-mx\r\n250 AUTH PLAIN\r\n"), "");
  EXPECT_EQ(c.reason, errc::authentication_unavailable);
}
TEST(SmtpClient, AuthenticatesByLogin) {
  script c({.user = "u", .password = "p", .auth_without_tls = true});
  c.hear("220 mx\r\n");
  EXPECT_EQ(c.hear("250-mx\r\n250 AUTH=LOGIN\r\n"), "AUTH LOGIN\r\n");
  EXPECT_EQ(c.hear("334 VXNlcm5hbWU6\r\n"), "dQ==\r\n");
  EXPECT_EQ(c.hear("334 UGFzc3dvcmQ6\r\n"), "cA==\r\n");
  c.hear("535 no\r\n");
  EXPECT_EQ(c.reason, errc::refused);
}

TEST(SmtpClient, SendsInOneChunkWhenAsked) {
  script c({.use_chunking = true});
  c.get_ready("250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n");
  ASSERT_TRUE(c.session.send(mail(), c.now));
  c.output();
  EXPECT_EQ(c.hear("250 ok\r\n250 ok\r\n"), "BDAT 20 LAST\r\n" + content);
  c.hear("250 ok\r\n");
  EXPECT_FALSE(c.outcomes.at(0).error);
}

TEST(SmtpClient, NeverHoldsMoreThanAPieceOfALargeMessage) {
  script c;
  c.get_ready("250 mx\r\n");
  const std::string large(10'000'000, 'x');
  auto m = mail();
  m.content = as_bytes(large);
  ASSERT_TRUE(c.session.send(m, c.now));
  c.hear("250 ok\r\n");
  c.hear("250 ok\r\n");
  c.session.feed(as_bytes("354 go\r\n"), c.now);
  std::size_t sent = 0;
  while (!c.session.output().empty()) {
    EXPECT_LE(c.session.output().size(), 130u * 1024);
    sent += c.session.output().size();
    c.session.clear_output();
    c.session.produce(c.now);
  }
  EXPECT_EQ(sent, large.size() + 5);
}

TEST(SmtpClient, EndsWhenTheServerSpeaksSomethingElse) {
  for (const std::string text : {"HTTP/1.1 400 Bad Request\r\n", "220 a\r\n250-x\r\n550 y\r\n", "\x15\x03\x01\r\n", "220 mx\r\n250 ok\r\n250 unasked\r\n"}) {
    script c;
    c.hear(text);
    EXPECT_TRUE(c.closed) << text;
    EXPECT_EQ(c.reason, errc::reply_invalid) << text;
  }
  script endless;
  endless.hear(std::string(10'000, '2'));
  EXPECT_EQ(endless.reason, errc::line_too_long);
}

}  // namespace
}  // namespace msgkit::mm4::smtp
