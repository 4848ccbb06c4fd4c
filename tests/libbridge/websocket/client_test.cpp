#include "msgkit/bridge/websocket/client.hpp"

#include <gtest/gtest.h>

namespace msgkit::bridge::websocket {
namespace {

// Key and answer are the example of RFC 6455 section 1.3.
const std::string response =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

client make() {
  client c({.host = "h:80",
            .path = "/mqtt",
            .key = "dGhlIHNhbXBsZSBub25jZQ==",
            .accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            .mask = [] { return 0x01020304U; }});
  EXPECT_TRUE(c.start());
  c.clear_output();
  return c;
}

client opened() {
  auto c = make();
  EXPECT_TRUE(c.feed(as_bytes(response)));
  EXPECT_TRUE(c.is_open());
  return c;
}

std::string frame(std::uint8_t first, std::string payload) {
  return std::string{static_cast<char>(first), static_cast<char>(payload.size())} + payload;
}

std::string with(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

std::error_code error_of(client& c, std::string_view octets) {
  const auto done = c.feed(as_bytes(octets));
  return done ? std::error_code{} : done.error().code;
}

TEST(WebSocket, AsksForMqtt) {
  client c({.host = "h:80", .path = "/m", .key = "k"});
  ASSERT_TRUE(c.start());
  EXPECT_EQ(as_text(c.output()),
            "GET /m HTTP/1.1\r\nHost: h:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
}

TEST(WebSocket, RefusesPathsThatWouldMakeHeaders) {
  for (const auto* path : {"", "mqtt", "/a b", "/a\r\nX: y"})
    EXPECT_FALSE(client({.host = "h", .path = path}).start()) << path;
}

TEST(WebSocket, RefusesEveryIncompleteAnswer) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"101", "200"},
      {"upgrade: WebSocket", "upgrade: h2c"},
      {"Upgrade\r\n", "x\r\n"},
      {"s3pP", "s3pp"},
      {"mqtt", "mqtt2"},
      {"Sec-WebSocket-Protocol: mqtt", "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: x"}};
  for (const auto& [from, to] : changes) {
    auto c = make();
    EXPECT_EQ(error_of(c, with(response, from, to)), errc::upgrade_refused) << to;
    EXPECT_FALSE(c.is_open());
  }
  auto c = make();
  EXPECT_EQ(error_of(c, "SSH-2.0-x\r\n\r\n"), errc::http_response_invalid);
}

TEST(WebSocket, BoundsTheAnswer) {
  auto c = make();
  EXPECT_EQ(error_of(c, "HTTP/1.1 101 " + std::string(9'000, 'a')), errc::http_response_invalid);
}

TEST(WebSocket, MasksWhatItSends) {
  auto c = opened();
  c.send(as_bytes("\x10\x20\x30\x40\x50"));
  EXPECT_EQ(as_text(c.output()), "\x82\x85\x01\x02\x03\x04\x11\x22\x33\x44\x51");
}

TEST(WebSocket, WritesAllThreeLengthForms) {
  for (const auto& [size, header] :
       {std::pair<std::size_t, std::size_t>{125, 2}, {126, 4}, {65'535, 4}, {65'536, 10}}) {
    auto c = opened();
    c.send(byte_vector(size));
    EXPECT_EQ(c.output().size(), header + 4 + size);
  }
}

TEST(WebSocket, ReadsFragmentsAndAnswersPingsBetweenThemInAnyPieces) {
  using namespace std::string_literals;
  const auto input = response + frame(0x02, "ab") + frame(0x89, "hi") + frame(0x00, "") + frame(0x80, "cd") +
                     frame(0x8A, "x") + "\x82\x7E\x00\x80"s + std::string(128, 'e');
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    auto c = make();
    for (std::size_t at = 0; at < input.size(); at += piece)
      ASSERT_TRUE(c.feed(as_bytes(std::string_view(input).substr(at, piece))));
    EXPECT_EQ(as_text(c.received()), "abcd" + std::string(128, 'e'));
    EXPECT_EQ(as_text(c.output()), "\x8A\x82\x01\x02\x03\x04\x69\x6B");
  }
}

TEST(WebSocket, RefusesInvalidFrames) {
  using namespace std::string_literals;
  const std::string bad[] = {frame(0xC2, "a"),
                             frame(0x81, "a"),
                             frame(0x83, "a"),
                             frame(0x8B, ""),
                             frame(0x80, "a"),
                             frame(0x09, ""),
                             frame(0x02, "a") + frame(0x82, "b"),
                             "\x82\x81"s,
                             "\x89\x7E\x00\x7E"s,
                             "\x82\x7E\x00\x7D"s,
                             "\x82\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF"s,
                             "\x82\x7F\x80\x00\x00\x00\x00\x00\x00\x00"s,
                             frame(0x88, "x")};
  for (const auto& octets : bad) {
    auto c = opened();
    EXPECT_EQ(error_of(c, octets), errc::frame_invalid) << ::testing::PrintToString(octets);
  }
}

TEST(WebSocket, AHugeFrameTakesNoMemoryAhead) {
  using namespace std::string_literals;
  auto c = opened();
  EXPECT_EQ(error_of(c, "\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s + "abc"), std::error_code{});
  EXPECT_EQ(c.received().size(), 3U);
}

TEST(WebSocket, AnswersACloseWithItsCodeAndKeepsWhatCameBefore) {
  auto c = opened();
  EXPECT_EQ(error_of(c, frame(0x82, "ab") +
                            frame(0x88,
                                  "\x03\xE9"
                                  "bye") +
                            frame(0x82, "cd")),
            errc::websocket_closed);
  EXPECT_EQ(as_text(c.received()), "ab");
  EXPECT_EQ(as_text(c.output()), "\x88\x82\x01\x02\x03\x04\x02\xEB");
  EXPECT_FALSE(c.is_open());
}

TEST(WebSocket, SaysGoodbyeOnce) {
  auto c = opened();
  c.close();
  c.close();
  EXPECT_EQ(c.output().size(), 8U);
}

}  // namespace
}  // namespace msgkit::bridge::websocket
