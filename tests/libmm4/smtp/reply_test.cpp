#include "msgkit/mm4/smtp/reply.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4::smtp {
namespace {

TEST(SmtpReply, ReadsSeveralLines) {
  reply_parser p;
  EXPECT_FALSE(*p.line("250-mx.example greets"));
  EXPECT_FALSE(*p.line("250-SIZE 1000"));
  const auto r = *p.line("250 8BITMIME");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->code, 250);
  EXPECT_EQ(r->lines, (std::vector<std::string>{"mx.example greets", "SIZE 1000", "8BITMIME"}));
  EXPECT_TRUE(*p.line("250"));
}

TEST(SmtpReply, ReadsEnhancedCodes) {
  reply_parser p;
  EXPECT_FALSE(*p.line("550-5.1.1 no such"));
  const auto r = *p.line("550 5.1.1 user");
  EXPECT_EQ(r->enhanced, "5.1.1");
  EXPECT_EQ(r->text(), "550 5.1.1 no such user");
  EXPECT_EQ((*p.line("250 2.0 is no code"))->enhanced, "");
  EXPECT_EQ((*p.line("250 5.1.1 of another class"))->enhanced, "");
}

TEST(SmtpReply, RefusesWhatIsNone) {
  for (const auto* text : {"", "25", "HTTP/1.1 200 OK", "199 x", "600 x", "250x", "2a0 x"}) EXPECT_FALSE(reply_parser().line(text)) << text;
  reply_parser mixed;
  EXPECT_TRUE(mixed.line("250-a"));
  EXPECT_FALSE(mixed.line("550 b"));
  reply_parser endless;
  int lines = 0;
  while (lines < 1000 && endless.line("250-x")) ++lines;
  EXPECT_EQ(lines, static_cast<int>(reply_lines_max));
}

TEST(SmtpReply, WhatAPeerSaidStartsNoLine) {
  byte_vector out;
  append_reply(out, make_reply(554, "5.6.0", "bad\r\n250 ok"));
  EXPECT_EQ(as_text(out), "554 5.6.0 bad  250 ok\r\n");
}

}  // namespace
}  // namespace msgkit::mm4::smtp
