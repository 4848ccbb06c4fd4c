#include "msgkit/mm4/smtp/data.hpp"

#include <gtest/gtest.h>

#include <string>

namespace msgkit::mm4::smtp {
namespace {

struct outcome {
  std::string content, rest;
  bool finished = false, bare = false;
  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome decode(std::string_view wire, std::size_t piece = 1 << 20) {
  data_decoder d;
  outcome o;
  while (!wire.empty() && !d.is_finished()) {
    const auto part = wire.substr(0, piece);
    const auto used = d.feed(as_bytes(part), [&o](bytes_view run) { o.content += as_text(run); });
    wire.remove_prefix(used);
    if (used == 0) break;
  }
  o.rest = wire;
  o.finished = d.is_finished();
  o.bare = d.has_bare_newline();
  return o;
}

std::string encode(std::string_view content, std::size_t piece = 1 << 20) {
  data_encoder e;
  byte_vector out;
  for (; !content.empty(); content.remove_prefix(std::min(piece, content.size())))
    e.append_to(out, as_bytes(content.substr(0, piece)));
  e.finish(out);
  return std::string(as_text(out));
}

// V19
TEST(SmtpData, UndoesDotStuffing) {
  const auto o = decode("a\r\n..b\r\n...\r\n.c\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(o.content, "a\r\n.b\r\n..\r\nc\r\n");
  EXPECT_EQ(o.rest, "QUIT\r\n");
  EXPECT_TRUE(o.finished);
  EXPECT_FALSE(o.bare);
  EXPECT_EQ(decode(".\r\n").content, "");
}

// Case 21: none of these ends a message, and all are noticed.
TEST(SmtpData, OnlyCrLfDotCrLfEnds) {
  for (const std::string end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\n\r.\r\n", "\r\n.\r\r\n"}) {
    const auto o = decode("a" + end + "MAIL FROM:<b@c>\r\n");
    EXPECT_FALSE(o.finished) << end;
    EXPECT_TRUE(o.bare) << end;
    const auto whole = decode("a" + end + "x\r\n.\r\nrest");
    EXPECT_TRUE(whole.finished) << end;
    EXPECT_EQ(whole.rest, "rest") << end;
  }
}

TEST(SmtpData, PiecesMakeNoDifference) {
  for (const std::string wire : {"a\r\n..b\r\n.\r\nX", ".\r.\r\n\r\n.\rx\r\n.\r\n", "\r\n\r\n.\r\n", "a\nb\rc\r\n..\r\n.\r\n", ".\r\rx\n.\r\n\r\n.\r\nq"}) {
    const auto whole = decode(wire);
    for (std::size_t piece = 1; piece < wire.size(); ++piece) EXPECT_EQ(decode(wire, piece), whole) << piece;
  }
}

TEST(SmtpData, EncodesWhatItDecodes) {
  for (const std::string text : {"", "a", "a\r\n", ".", "..", ".\r\n", "a\r\n.\r\nb", "a\r\n..\r\n", "\r\n.\r\n.\r\n"}) {
    for (std::size_t piece = 1; piece < 5; ++piece) {
      const auto o = decode(encode(text, piece));
      EXPECT_TRUE(o.finished);
      EXPECT_FALSE(o.bare);
      EXPECT_EQ(o.content, text.empty() || text.ends_with("\r\n") ? text : text + "\r\n") << piece;
      EXPECT_TRUE(o.rest.empty());
    }
  }
}

TEST(SmtpData, NeverSendsABareNewline) {
  for (const std::string text : {"a\nb", "a\rb", "\n.\n", "a\r", "\r\r\n\n"})
    for (std::size_t piece = 1; piece < 4; ++piece) EXPECT_FALSE(decode(encode(text, piece)).bare);
  EXPECT_EQ(encode("a\n.\nb"), "a\r\n..\r\nb\r\n.\r\n");
}

}  // namespace
}  // namespace msgkit::mm4::smtp
