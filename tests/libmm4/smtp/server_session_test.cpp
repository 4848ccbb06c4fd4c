#include "msgkit/mm4/smtp/server_session.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/transfer_encoding.hpp"
#include "server_script.hpp"

namespace msgkit::mm4::smtp {
namespace {

using namespace std::chrono_literals;
using test::server_script;

const std::string envelope = "EHLO me\r\nMAIL FROM:<a@b> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<+1/TYPE=PLMN@c>\r\n";
bool says(const std::string& output, std::string_view what) { return output.find(what) != std::string::npos; }

TEST(SmtpServer, TakesAMessageAndNextOnesOnTheSameConnection) {
  server_script s;
  EXPECT_TRUE(says(s.output(), "220 localhost ESMTP MM4\r\n"));
  const auto hello = s.say(envelope);
  for (const auto* e : {"250-localhost", "PIPELINING", "SIZE 33554432", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING"}) EXPECT_TRUE(says(hello, e)) << e;
  EXPECT_TRUE(says(s.say("DATA\r\n"), "354 "));
  EXPECT_TRUE(says(s.say("hello\r\n..dot\r\n.\r\n"), "250 2.0.0 stored"));
  s.say("HELO again\r\nMAIL FROM:<>\r\nRCPT TO:<d@e>\r\n");
  s.say("DATA\r\n");
  s.say("two\r\n.\r\nQUIT\r\n");
  ASSERT_EQ(s.mails.size(), 2u);
  EXPECT_EQ(s.mails[0], (test::received_mail{"a@b", {"+1/TYPE=PLMN@c"}, "hello\r\n.dot\r\n"}));
  EXPECT_EQ(s.mails[1], (test::received_mail{"", {"d@e"}, "two\r\n"}));
  EXPECT_TRUE(s.closed);
  EXPECT_FALSE(s.reason);
}

TEST(SmtpServer, SaysNothingAboutAMessageUntilTheApplicationHasStoredIt) {
  server_script s;
  s.hold = true;
  s.say(envelope);
  s.say("DATA\r\n");
  EXPECT_EQ(s.say("x\r\n.\r\nNOOP\r\n"), "");
  EXPECT_EQ(s.session.next_deadline(), never);
  s.store(make_reply(451, "4.3.0", "later"));
  EXPECT_EQ(s.output(), "451 4.3.0 later\r\n250 2.0.0 ok\r\n");
  EXPECT_TRUE(s.mails.empty());
}

TEST(SmtpServer, EveryRecipientHasItsOwnAnswer) {
  server_script s;
  s.output();
  const auto out = s.say("EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bad@c>\r\nRCPT TO:<good@c>\r\n");
  EXPECT_TRUE(out.ends_with("550 5.1.1 no\r\n250 2.1.5 ok\r\n"));
  EXPECT_TRUE(says(s.say("DATA\r\n"), "354"));
}

TEST(SmtpServer, HoldsToTheSequence) {
  server_script s;
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "503"));
  s.say("EHLO me\r\n");
  EXPECT_TRUE(says(s.say("RCPT TO:<a@b>\r\n"), "503"));
  EXPECT_TRUE(says(s.say("DATA\r\n"), "503"));
  s.say("MAIL FROM:<a@b>\r\n");
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "503"));
  EXPECT_TRUE(says(s.say("DATA\r\n"), "554"));
  EXPECT_TRUE(says(s.say("RSET\r\nRCPT TO:<a@b>\r\n"), "503"));
  EXPECT_TRUE(says(s.say("VRFY x\r\nHELP\r\nNOOP x\r\nEXPN x\r\nXYZ\r\n"), "252"));
}

// Case 28
TEST(SmtpServer, RefusesAddressesThatAreNone) {
  server_script s;
  s.say("EHLO me\r\n");
  EXPECT_TRUE(says(s.say("MAIL FROM:<\xC3\xBC@b>\r\n"), "501 5.1.7"));
  EXPECT_TRUE(says(s.say("MAIL FROM:<" + std::string(300, 'a') + "@b>\r\n"), "501"));
  s.say("MAIL FROM:<a@b>\r\n");
  EXPECT_TRUE(says(s.say("RCPT TO:<>\r\n"), "553"));
  EXPECT_TRUE(says(s.say("RCPT TO:<+1/TYPE=PLMN@c> NOTIFY=NEVER\r\n"), "555"));
  EXPECT_TRUE(says(s.say("RCPT TO:<1.2.3.4/TYPE=IPv4@c>\r\n"), "250"));
}

// Case 21: smuggling. One message in, at most one out.
TEST(SmtpServer, RefusesAMessageWithBareNewlinesWhole) {
  for (const std::string end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n"}) {
    server_script s;
    s.say(envelope);
    s.say("DATA\r\n");
    EXPECT_EQ(s.say("a" + end + "MAIL FROM:<evil@x>\r\nRCPT TO:<v@y>\r\nDATA\r\nsmuggled\r\n"), "") << end;
    EXPECT_TRUE(says(s.say(".\r\n"), "554 5.6.0")) << end;
    EXPECT_TRUE(s.mails.empty());
    EXPECT_EQ(s.aborted, 1);
    EXPECT_TRUE(says(s.say("NOOP\r\n"), "250"));
  }
}

// Case 22
TEST(SmtpServer, CutsWhoWritesBehindDataBeforeItIsTimeTo) {
  server_script s;
  s.say(envelope);
  const auto out = s.say("DATA\r\nhello\r\n.\r\n");
  EXPECT_TRUE(says(out, "503"));
  EXPECT_FALSE(says(out, "\n354"));
  EXPECT_TRUE(s.closed);
  EXPECT_TRUE(s.mails.empty());
}
TEST(SmtpServer, CutsWhoWritesBehindStarttls) {
  server_script s({.offer_tls = true});
  EXPECT_TRUE(says(s.say("EHLO me\r\n"), "STARTTLS"));
  const auto out = s.say("STARTTLS\r\nMAIL FROM:<evil@x>\r\n");
  EXPECT_TRUE(says(out, "503"));
  EXPECT_FALSE(says(out, "220"));
  EXPECT_FALSE(s.tls_wanted);
  EXPECT_TRUE(s.closed);
}
TEST(SmtpServer, ForgetsEverythingWhenTlsStarts) {
  server_script s({.offer_tls = true, .require_tls = true});
  s.say("EHLO me\r\n");
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "530"));
  EXPECT_TRUE(says(s.say("STARTTLS\r\n"), "220"));
  EXPECT_TRUE(s.tls_wanted);
  EXPECT_EQ(s.say("MAIL FROM:<early@x>\r\n"), "");
  s.session.tls_started(s.now);
  s.drain();
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "503"));
  EXPECT_FALSE(says(s.say("EHLO me\r\n"), "STARTTLS"));
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "250"));
}

// Case 23
TEST(SmtpServer, SkipsLinesThatAreTooLongInConstantMemory) {
  server_script s;
  s.output();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(s.say(std::string(10'000, 'x')), "");
  EXPECT_EQ(s.say("\r\nNOOP\r\n"), "500 line too long\r\n250 ok\r\n");
}
TEST(SmtpServer, RefusesAMessageOverItsSize) {
  server_script s({.message_bytes_max = 1000});
  s.say("EHLO me\r\n");
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b> SIZE=1001\r\n"), "552"));
  s.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
  s.say("DATA\r\n");
  EXPECT_EQ(s.say(std::string(1500, 'x')), "");
  EXPECT_TRUE(says(s.say("\r\n.\r\n"), "552 5.3.4"));
  EXPECT_EQ(s.aborted, 1);
  s.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
  s.say("DATA\r\n");
  s.say(std::string(5000, 'x'));
  EXPECT_TRUE(s.closed);
  EXPECT_EQ(s.aborted, 2);
}

// Case 29
TEST(SmtpServer, DeliversNothingOfAMessageThatStalls) {
  server_script s({.data_timeout = 10s});
  s.say(envelope);
  s.say("DATA\r\n");
  s.say("half");
  EXPECT_EQ(s.session.next_deadline(), test::start + 10s);
  s.session.on_time(test::start + 10s);
  s.drain();
  EXPECT_TRUE(s.closed);
  EXPECT_EQ(s.reason, errc::command_timeout);
  EXPECT_EQ(s.aborted, 1);
  EXPECT_TRUE(s.mails.empty());
}
TEST(SmtpServer, DeliversNothingOfAMessageThatBreaksOff) {
  server_script s;
  s.say(envelope);
  s.say("DATA\r\n");
  s.say("half\r\n.");
  s.session.disconnected({});
  s.drain();
  EXPECT_EQ(s.aborted, 1);
  EXPECT_TRUE(s.mails.empty());
}
TEST(SmtpServer, ADripOfOctetsDoesNotExtendItsTime) {
  server_script s({.command_timeout = 10s});
  for (int i = 0; i < 9; ++i) {
    s.now += 1s;
    s.say("N");
  }
  s.session.on_time(test::start + 10s);
  s.drain();
  EXPECT_TRUE(s.closed);
}

TEST(SmtpServer, CutsHttpTlsAndBabble) {
  for (const std::string text : {"GET / HTTP/1.1\r\n", "POST /x HTTP/1.0\r\n", "\x16\x03\x01\r\n"}) {
    server_script s;
    s.say(text);
    EXPECT_TRUE(s.closed) << text;
  }
  server_script s({.errors_max = 5});
  for (int i = 0; i < 10; ++i) s.say("what\r\n");
  EXPECT_TRUE(s.closed);
  EXPECT_EQ(s.reason, errc::too_many_errors);
}

TEST(SmtpServer, RefusesCommandsThatEndInBareLf) {
  server_script s;
  EXPECT_TRUE(says(s.say("EHLO me\n"), "500"));
  EXPECT_TRUE(says(s.say("EHLO\rme\r\n"), "500"));
}

TEST(SmtpServer, BoundsWhatArrivesAheadOfItsReplies) {
  server_script s({.input_bytes_max = 10'000});
  s.hold = true;
  s.say(envelope);
  s.say("DATA\r\n");
  s.say("x\r\n.\r\n");
  for (int i = 0; i < 20 && !s.closed; ++i) s.say(std::string(1000, 'n'));
  EXPECT_TRUE(s.closed);
}

TEST(SmtpServer, LimitsRecipients) {
  server_script s({.recipients_max = 2});
  s.say("EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\n");
  EXPECT_TRUE(says(s.say("RCPT TO:<e@f>\r\n"), "452 4.5.3"));
}

// ---- CHUNKING

TEST(SmtpServer, TakesAMessageInChunks) {
  server_script s;
  s.say(envelope);
  EXPECT_TRUE(says(s.say("BDAT 5\r\nab\r\n."), "250 2.0.0 go on"));
  EXPECT_TRUE(says(s.say("BDAT 3 LAST\r\n\r\nc"), "250 2.0.0 stored"));
  ASSERT_EQ(s.mails.size(), 1u);
  EXPECT_EQ(s.mails[0].content, "ab\r\n.\r\nc");
}
TEST(SmtpServer, SkipsAChunkItDoesNotWantAndStaysInStep) {
  server_script s;
  s.say("EHLO me\r\n");
  EXPECT_EQ(s.say("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), "503 5.5.1 no recipients\r\n250 2.0.0 ok\r\n");
  s.say("MAIL FROM:<a@b>\r\n");
  EXPECT_TRUE(says(s.say("BDAT x\r\n"), "501"));
  EXPECT_TRUE(s.closed);
}
TEST(SmtpServer, RefusesChunksOverItsSize) {
  server_script s({.message_bytes_max = 10});
  s.say("EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
  EXPECT_TRUE(says(s.say("BDAT 15 LAST\r\n" + std::string(15, 'x')), "552"));
  EXPECT_EQ(s.aborted, 1);
}

// ---- AUTH

std::string base64(std::string_view text) { return mime::encode_base64(as_bytes(text), 0); }
const std::string good_plain = "AUTH PLAIN " + base64(std::string_view("\0user\0secret", 12)) + "\r\n";

TEST(SmtpServer, AuthenticatesByPlainAndLogin) {
  server_script s({.is_tls = true, .offer_auth = true, .require_auth = true});
  EXPECT_TRUE(says(s.say("EHLO me\r\n"), "AUTH PLAIN LOGIN"));
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "530"));
  EXPECT_TRUE(says(s.say(good_plain), "235"));
  EXPECT_EQ(s.session.user(), "user");
  EXPECT_TRUE(says(s.say("MAIL FROM:<a@b>\r\n"), "250"));
  server_script login({.is_tls = true, .offer_auth = true});
  login.say("EHLO me\r\n");
  EXPECT_TRUE(says(login.say("AUTH LOGIN\r\n"), "334 VXNlcm5hbWU6"));
  EXPECT_TRUE(says(login.say(base64("user") + "\r\n"), "334 UGFzc3dvcmQ6"));
  EXPECT_TRUE(says(login.say(base64("secret") + "\r\n"), "235"));
}
TEST(SmtpServer, TakesNoPasswordInTheClear) {
  server_script s({.offer_tls = true, .offer_auth = true});
  EXPECT_FALSE(says(s.say("EHLO me\r\n"), "AUTH"));
  EXPECT_TRUE(says(s.say(good_plain), "538"));
  EXPECT_TRUE(s.session.user().empty());
}
TEST(SmtpServer, GivesUpOnWhoKeepsGuessing) {
  server_script s({.authentications_max = 2, .is_tls = true, .offer_auth = true});
  s.say("EHLO me\r\n");
  EXPECT_TRUE(says(s.say("AUTH PLAIN\r\n"), "334"));
  EXPECT_TRUE(says(s.say("*\r\n"), "501"));
  EXPECT_TRUE(says(s.say("AUTH CRAM-MD5\r\n"), "504"));
  EXPECT_TRUE(says(s.say("AUTH PLAIN !!!\r\n"), "501"));
  EXPECT_TRUE(says(s.say("AUTH PLAIN " + base64(std::string_view("\0user\0wrong", 11)) + "\r\n"), "535"));
  s.say("AUTH PLAIN " + base64(std::string_view("\0user\0wrong", 11)) + "\r\n");
  EXPECT_TRUE(s.closed);
}

// ---- pieces

TEST(SmtpServer, PiecesMakeNoDifference) {
  const std::vector<std::string> said = {envelope, "DATA\r\n", "hello\r\n..x\r\n.\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<z@y>\r\n", "DATA\r\n", "\r\n.\r\nBDAT 0\r\nQUIT\r\n"};
  const auto run = [&said](std::size_t piece) {
    server_script s;
    std::string out;
    for (const auto& part : said) out += s.say(part, piece);
    return std::pair{out, s.mails};
  };
  const auto whole = run(1 << 20);
  EXPECT_EQ(whole.second.size(), 2u);
  for (std::size_t piece = 1; piece < 20; ++piece) EXPECT_EQ(run(piece), whole) << piece;
}

}  // namespace
}  // namespace msgkit::mm4::smtp
