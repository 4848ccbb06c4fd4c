#include "common/http_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "http_session_script.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr time_point start{};

struct wire_case {
  std::string_view name;
  std::string_view octets;
  int status;

  friend std::ostream& operator<<(std::ostream& out, const wire_case& c) { return out << c.name; }
};

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// What must never be understood in two ways. Each is refused, and the connection closes.
const wire_case refused[] = {
    {"content-length and transfer-encoding",
     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"transfer-encoding and content-length",
     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
    {"two content-lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
    {"two equal content-lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
    {"content-length list", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na", 400},
    {"content-length with plus", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400},
    {"content-length negative", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na", 400},
    {"content-length in hex", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na", 400},
    {"content-length empty", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\na", 400},
    {"content-length overflow", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\na", 400},
    {"transfer-encoding gzip", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
    {"transfer-encoding identity", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 400},
    {"transfer-encoding list", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"transfer-encoding with junk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"two transfer-encodings",
     "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"transfer-encoding on 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"space before colon", "GET / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n", 400},
    {"tab before colon", "GET / HTTP/1.1\r\nHost: x\r\nX-A\t: b\r\n\r\n", 400},
    {"folded field", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n", 400},
    {"white space after request line", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
    {"bare lf in request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
    {"bare lf in fields", "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400},
    {"bare cr in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", 400},
    {"bare cr in request line", "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"nul in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"sv, 400},
    {"nul in a name", "GET / HTTP/1.1\r\nHost: x\r\nX\0: b\r\n\r\n"sv, 400},
    {"control in a value", "GET / HTTP/1.1\r\nHost: x\r\nX: a\x01z\r\n\r\n", 400},
    {"missing host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
    {"host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"empty field name", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400},
    {"no colon", "GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: x\r\n\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"space in target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"target without slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"authority form", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"http/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"http/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
    {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
    {"tls client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, 400},
    {"smpp bind", "\0\0\0\x20\0\0\0\x09\0\0\0\0"sv, 400},
    {"unknown expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\na", 417},
    {"chunk size overflow", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\na\r\n0\r\n\r\n",
     400},
    {"chunk size with plus", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", 400},
    {"chunk size with 0x", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400},
    {"chunk size negative", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n", 400},
    {"chunk without line break", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400},
    {"chunk size with space", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", 400},
    {"chunk size missing", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\na\r\n0\r\n\r\n", 400},
    {"chunk extension with lf", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400},
    {"trailer with bare lf", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", 400},
    {"folded trailer", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n A: b\r\n\r\n", 400},
    {"chunk with bare lf", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
};

class HttpRefusal : public ::testing::TestWithParam<wire_case> {};

TEST_P(HttpRefusal, AnswersAndCloses) {
  const auto& c = GetParam();
  for (const std::size_t piece : {c.octets.size(), std::size_t{1}}) {
    // A second request behind it must never be served.
    const auto run = run_http_script(std::string(c.octets) + std::string(get), {.piece_bytes = piece});
    EXPECT_THAT(run.output, StartsWith("HTTP/1.1 " + std::to_string(c.status))) << run.output;
    EXPECT_TRUE(run.requests.empty());
    EXPECT_TRUE(run.closing);
    EXPECT_THAT(run.output, HasSubstr("Connection: close\r\n"));
    EXPECT_EQ(run.output.find("HTTP/1.1", 1), std::string::npos) << run.output;
  }
}

INSTANTIATE_TEST_SUITE_P(Wire, HttpRefusal, ::testing::ValuesIn(refused), [](const auto& test) {
  std::string out;
  for (const char c : test.param.name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out;
});

TEST(HttpSession, ReadsARequest) {
  const auto run = run_http_script("\r\nPOST /a/b?c=d HTTP/1.1\r\nHost: x:80\r\nX-One:  two \r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_EQ(run.requests.size(), 1u);
  const auto& r = run.requests[0];
  EXPECT_EQ(r.method, "POST");
  EXPECT_EQ(r.target, "/a/b?c=d");
  EXPECT_EQ(r.path, "/a/b");
  EXPECT_EQ(r.query, "c=d");
  EXPECT_EQ(r.header("x-one"), "two");
  EXPECT_EQ(r.body, "hello");
  EXPECT_FALSE(run.closing);
  EXPECT_THAT(run.output, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpSession, JoinsChunksAndDropsTrailers) {
  const auto run = run_http_script(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n001\r\n!\r\n0\r\nX-Role: admin\r\n\r\n" +
      std::string(get));
  ASSERT_EQ(run.requests.size(), 2u);
  EXPECT_EQ(run.requests[0].body, "hello!");
  EXPECT_EQ(run.requests[0].header("X-Role"), "");
}

TEST(HttpSession, AcceptsAbsoluteForm) {
  const auto run = run_http_script("GET http://example.org:80/a?b HTTP/1.1\r\nHost: example.org\r\n\r\n"
                                   "GET http://example.org?q HTTP/1.1\r\nHost: example.org\r\n\r\n");
  ASSERT_EQ(run.requests.size(), 2u);
  EXPECT_EQ(run.requests[0].path, "/a");
  EXPECT_EQ(run.requests[1].path, "/");
  EXPECT_EQ(run.requests[1].query, "q");
}

TEST(HttpSession, TheCutOfTheInputDoesNotMatter) {
  std::string all;
  for (int i = 0; i < 5; ++i) {
    all += "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    all += "PUT /q HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nwxyz";
    all += get;
  }
  const auto whole = run_http_script(all);
  ASSERT_EQ(whole.requests.size(), 15u);
  for (const std::size_t piece : {1, 2, 3, 7, 64, 113}) {
    const auto run = run_http_script(all, {.piece_bytes = piece});
    EXPECT_EQ(run.output, whole.output) << piece;
    EXPECT_EQ(run.requests.size(), whole.requests.size());
  }
}

TEST(HttpSession, LimitsTheTarget) {
  const auto target = "/" + std::string(8 * 1024 - 1, 'a');
  EXPECT_EQ(run_http_script("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").requests.size(), 1u);
  EXPECT_THAT(run_http_script("GET " + target + "a HTTP/1.1\r\nHost: x\r\n\r\n").output, StartsWith("HTTP/1.1 414"));
  EXPECT_THAT(run_http_script("GET " + target + "aaaa").output, StartsWith("HTTP/1.1 414"));
}

TEST(HttpSession, LimitsTheHead) {
  const auto head = [](std::size_t padding) {
    return "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(padding, 'a') + "\r\n\r\n";
  };
  const auto rest = head(0).size();
  EXPECT_EQ(run_http_script(head(16 * 1024 - rest)).requests.size(), 1u);
  EXPECT_THAT(run_http_script(head(16 * 1024 - rest + 1)).output, StartsWith("HTTP/1.1 431"));
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  EXPECT_THAT(run_http_script(many + "\r\n").output, StartsWith("HTTP/1.1 431"));
}

TEST(HttpSession, LimitsBodies) {
  const script_options small{.body_bytes_max = 4};
  EXPECT_EQ(run_http_script("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd", small).requests.size(), 1u);
  for (const auto* body : {"Content-Length: 5\r\n\r\nabcde", "Content-Length: 999999999999\r\n\r\n",
                           "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}) {
    const auto run = run_http_script(std::string("POST / HTTP/1.1\r\nHost: x\r\n") + body, small);
    EXPECT_THAT(run.output, StartsWith("HTTP/1.1 413")) << body;
    EXPECT_TRUE(run.requests.empty());
    EXPECT_TRUE(run.closing);
  }
}

TEST(HttpSession, LimitsChunkExtensionsAndTrailers) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& tail : {"1;" + std::string(20'000, 'a'), "0\r\nX: " + std::string(20'000, 'a')}) {
    for (const std::size_t piece : {tail.size(), std::size_t{100}})
      EXPECT_THAT(run_http_script(head + tail, {.piece_bytes = piece}).output, StartsWith("HTTP/1.1 400"));
  }
}

TEST(HttpSession, AsksForABodyThatIsWaitedFor) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  s.feed(as_bytes("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"), start);
  EXPECT_EQ(s.take_output(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(s.next_request());
  s.feed(as_bytes("ab"), start);
  const auto incoming = s.next_request();
  ASSERT_TRUE(incoming);
  EXPECT_EQ(incoming->request.body, "ab");
}

TEST(HttpSession, RefusesInsteadOfAskingForABody) {
  const auto run = run_http_script("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
                                   {.body_bytes_max = 4});
  EXPECT_THAT(run.output, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(run.output, Not(HasSubstr("100 Continue")));
  const auto no_route = run_http_script("POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_THAT(no_route.output, StartsWith("HTTP/1.1 404"));
  EXPECT_TRUE(no_route.closing);
}

TEST(HttpSession, KeepsTheConnectionAfterARefusalWithASmallBody) {
  const auto run = run_http_script("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                                   "POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" +
                                   std::string(get));
  EXPECT_THAT(run.output, StartsWith("HTTP/1.1 404"));
  ASSERT_EQ(run.requests.size(), 1u);
  EXPECT_FALSE(run.closing);
}

TEST(HttpSession, ClosesAfterARefusalWithALargeBody) {
  const auto run = run_http_script("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhello");
  EXPECT_THAT(run.output, StartsWith("HTTP/1.1 404"));
  EXPECT_TRUE(run.closing);
  const auto chunked = run_http_script("POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" +
                                       std::string(70'000, 'a'));
  EXPECT_THAT(chunked.output, StartsWith("HTTP/1.1 404"));
  EXPECT_TRUE(chunked.closing);
}

TEST(HttpSession, AnswersInOrderWhateverTheOrderOfTheHandlers) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  std::string three;
  for (int i = 0; i < 3; ++i) three += get;
  s.feed(as_bytes(three), start);
  std::vector<std::uint64_t> ids;
  while (const auto r = s.next_request()) ids.push_back(r->id);
  ASSERT_EQ(ids.size(), 3u);
  s.respond(ids[2], http_text(200, "third"), start);
  s.respond(ids[1], http_text(200, "second"), start);
  EXPECT_EQ(s.take_output(), "");
  s.respond(ids[0], http_text(200, "first"), start);
  const auto out = s.take_output();
  EXPECT_LT(out.find("first"), out.find("second"));
  EXPECT_LT(out.find("second"), out.find("third"));
  s.respond(ids[0], http_text(200, "again"), start);
  s.respond(99, http_text(200, "unknown"), start);
  EXPECT_EQ(s.take_output(), "");
}

TEST(HttpSession, BoundsThePipeline) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  std::string many;
  for (int i = 0; i < 20; ++i) many += get;
  s.feed(as_bytes(many), start);
  std::vector<std::uint64_t> ids;
  while (const auto r = s.next_request()) ids.push_back(r->id);
  EXPECT_EQ(ids.size(), 16u);
  EXPECT_FALSE(s.wants_input());
  EXPECT_EQ(s.next_deadline(), never);
  s.respond(ids[0], http_text(200, ""), start);
  EXPECT_TRUE(s.next_request());  // one left, one came in
  for (std::size_t i = 1; i < ids.size(); ++i) s.respond(ids[i], http_text(200, ""), start);
  std::size_t more = 0;
  while (s.next_request()) ++more;
  EXPECT_EQ(more, 3u);
  EXPECT_TRUE(s.wants_input());
}

TEST(HttpSession, HonoursConnectionClose) {
  const auto run = run_http_script("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + std::string(get));
  EXPECT_EQ(run.requests.size(), 1u);
  EXPECT_TRUE(run.closing);
  EXPECT_THAT(run.output, HasSubstr("Connection: close\r\n"));
}

TEST(HttpSession, Http10ClosesUnlessAsked) {
  EXPECT_TRUE(run_http_script("GET / HTTP/1.0\r\n\r\n").closing);
  const auto kept = run_http_script("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(kept.closing);
  EXPECT_THAT(kept.output, HasSubstr("Connection: keep-alive\r\n"));
}

TEST(HttpSession, HeadHasLengthAndNoBody) {
  const auto run = run_http_script("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(get));
  EXPECT_THAT(run.output, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\n"
                                     "HTTP/1.1 200"));
}

TEST(HttpSession, TimesOutASlowHead) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  s.feed(as_bytes("GET / HT"), start + 5s);
  EXPECT_EQ(s.next_deadline(), start + 15s);
  s.feed(as_bytes("TP/1.1\r\n"), start + 14s);  // progress does not extend it
  s.on_time(start + 14s);
  EXPECT_EQ(s.take_output(), "");
  s.on_time(start + 15s);
  EXPECT_THAT(s.take_output(), StartsWith("HTTP/1.1 408"));
  EXPECT_FALSE(s.finished());  // lingers
  s.on_time(start + 16s);
  EXPECT_TRUE(s.finished());
}

TEST(HttpSession, TimesOutASlowBody) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  s.feed(as_bytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\na"), start);
  EXPECT_EQ(s.next_deadline(), start + 60s);
  s.on_time(start + 60s);
  EXPECT_THAT(s.take_output(), StartsWith("HTTP/1.1 408"));
}

TEST(HttpSession, ClosesAnIdleConnectionWithoutAWord) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  s.feed(as_bytes(get), start + 10s);
  EXPECT_EQ(s.next_deadline(), never);  // the handler is at work
  s.respond(s.next_request()->id, http_text(200, "ok"), start + 100s);
  EXPECT_THAT(s.take_output(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(s.next_deadline(), start + 160s);
  s.on_time(start + 160s);
  EXPECT_TRUE(s.finished());
  EXPECT_EQ(s.take_output(), "");
}

TEST(HttpSession, LingersOnlySoLong) {
  http_session s({}, [](http_request&) { return http_admission{}; }, start);
  s.feed(as_bytes("nonsense\r\n\r\nmore"), start);
  EXPECT_THAT(s.take_output(), StartsWith("HTTP/1.1 400"));
  EXPECT_FALSE(s.finished());
  const std::string flood(600'000, 'x');
  s.feed(as_bytes(flood), start);
  EXPECT_FALSE(s.finished());
  s.feed(as_bytes(flood), start);
  EXPECT_TRUE(s.finished());
}

TEST(HttpSession, DrainsAnIdleConnectionAtOnceAndABusyOneAfterItsAnswer) {
  http_session idle({}, [](http_request&) { return http_admission{}; }, start);
  idle.drain(start);
  EXPECT_TRUE(idle.finished());
  http_session busy({}, [](http_request&) { return http_admission{}; }, start);
  busy.feed(as_bytes(std::string(get) + std::string(get)), start);
  const auto first = busy.next_request();
  const auto second = busy.next_request();
  busy.drain(start);
  EXPECT_FALSE(busy.finished());
  busy.respond(first->id, http_text(200, "a"), start);
  EXPECT_THAT(busy.take_output(), Not(HasSubstr("Connection: close")));
  busy.respond(second->id, http_text(200, "b"), start);
  EXPECT_THAT(busy.take_output(), HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.finished());
}

TEST(HttpSession, NeverSendsAnInjectedField) {
  for (const auto* value : {"a\r\nSet-Cookie: b", "a\nb", "a\x01"}) {
    std::string out;
    append_http_response(out, {.fields = {{"Location", value}}}, false, false, false, {});
    EXPECT_THAT(out, StartsWith("HTTP/1.1 500")) << value;
    EXPECT_THAT(out, Not(HasSubstr("Set-Cookie")));
  }
}

TEST(HttpSession, OmitsBodyAndLengthWhereThereIsNone) {
  std::string out;
  append_http_response(out, {.status = 204, .body = "x"}, false, false, false, "Sat, 21 Nov 2026 01:32:42 GMT");
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nDate: Sat, 21 Nov 2026 01:32:42 GMT\r\n\r\n");
}

TEST(HttpSession, TheCorpusGivesTheSameHoweverItIsCut) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HTTP_REQUEST_CORPUS)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(file), {}};
    const auto whole = run_http_script(octets);
    for (const std::size_t piece : {1, 3, 17}) {
      const auto cut = run_http_script(octets, {.piece_bytes = piece});
      EXPECT_EQ(cut.output, whole.output) << entry.path();
      EXPECT_EQ(cut.closing, whole.closing) << entry.path();
    }
    ++files;
  }
  EXPECT_GT(files, 10u);
}

TEST(HttpMessage, DecodesPercentAndForms) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  for (const auto* bad : {"%", "%4", "%zz", "a%"}) EXPECT_FALSE(percent_decode(bad)) << bad;
  const auto form = parse_form("a=1&b=x+y%21&c&&=d&bad=%zz");
  ASSERT_EQ(form.size(), 4u);
  EXPECT_EQ(form[1].second, "x y!");
  EXPECT_EQ(form[2].second, "");
}

TEST(HttpMessage, ErrorsAreJson) {
  EXPECT_EQ(http_error(404, "no \"such\"\npath").body, R"({"error":{"code":"not_found","message":"no \"such\"\npath"}})");
}

}  // namespace
}  // namespace msgkit::app
