#include "msgkit/mm7/http_response_reader.hpp"

#include <gtest/gtest.h>

#include "msgkit/mm7/errc.hpp"

using namespace msgkit;

namespace {

std::optional<mm7::http_response> read(std::string_view octets, bool closed = false, std::size_t piece = 1 << 20) {
  mm7::http_response_reader r;
  for (std::size_t at = 0; at < octets.size(); at += piece)
    if (!r.feed(as_bytes(octets.substr(at, piece)))) return std::nullopt;
  if (closed && !r.finish()) return std::nullopt;
  return std::move(r.response());
}

}  // namespace

TEST(HttpResponseReader, ReadsLengthChunksAndUntilClose) {
  const std::string_view fixed = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";
  const std::string_view chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n";
  for (const auto whole : {fixed, chunked}) {
    for (const std::size_t piece : {1u, 3u, 1'000u}) {
      const auto r = read(whole, false, piece);
      ASSERT_TRUE(r) << whole;
      EXPECT_EQ(r->status, 200u);
      EXPECT_EQ(as_text(r->body), "hello");
      EXPECT_TRUE(r->keep_alive);
    }
  }
  const auto open = read("HTTP/1.0 500 Oh\r\nContent-Type: text/xml\r\n\r\nhello", true);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->fields.value("content-type"), "text/xml");
  EXPECT_FALSE(open->keep_alive);
}

TEST(HttpResponseReader, RefusesEveryFramingThatCanBeReadInTwoWays) {
  for (const std::string_view bad :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\n folded\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"})
    EXPECT_FALSE(read(bad)) << bad;
}

TEST(HttpResponseReader, StopsAtItsLimits) {
  mm7::http_response_reader r({.head_bytes_max = 100, .fields_max = 2, .body_bytes_max = 10});
  EXPECT_FALSE(r.feed(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n")));
  r.reset();
  EXPECT_FALSE(r.feed(as_bytes("HTTP/1.1 200 OK\r\nA: 1\r\nB: 1\r\nC: 1\r\n")));
  r.reset();
  EXPECT_FALSE(r.feed(as_bytes(std::string(200, 'a'))));
  r.reset();
  EXPECT_FALSE(r.feed(as_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n")));
}

TEST(HttpResponseReader, AnAnswerThatBreaksOffIsNone) {
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true));
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true));
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nA: ", true));
  mm7::http_response_reader fresh;
  EXPECT_TRUE(fresh.finish());
  EXPECT_FALSE(fresh.response());
}
