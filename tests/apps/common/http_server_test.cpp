#include "common/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <optional>

#include "common/http_auth.hpp"
#include "loopback.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct HttpServer : ::testing::Test {
  HttpServer() {
    options.limits.linger_timeout = 100ms;
    router->add_direct("GET", "/hello", [](const http_request&) { return http_text(200, "world"); });
    router->add_direct("GET", "/messages/{id}",
                       [](const http_request& r) { return http_text(200, std::string(r.path_parameter("id"))); });
    router->add_direct("POST", "/messages", [](const http_request& r) { return http_text(202, r.body); },
                       {.body_bytes_max = 10});
    router->add_direct("GET", "/big", [](const http_request&) { return http_text(200, std::string(8 << 20, 'x')); });
    router->add("GET", "/later", [this](http_request, http_responder responder) {
      const std::lock_guard lock(mutex);
      waiting.push_back(std::move(responder));
      arrived.notify_all();
    });
    router->add("GET", "/never", [](const http_request&, const http_responder&) {});
    router->add_direct("GET", "/throws", [](const http_request&) -> http_response { throw std::runtime_error("oops"); });
    router->add_direct("GET", "/private", [](const http_request&) { return http_text(200, "secret"); },
                       {.guard = require_api_key("msgkit", "k3y")});
    options.on_exchange = [this](const http_exchange& e) {
      const std::lock_guard lock(mutex);
      exchanges.push_back(std::to_string(e.status) + ' ' + std::string(e.method) + ' ' + std::string(e.pattern));
      arrived.notify_all();
    };
  }
  ~HttpServer() override {
    waiting.clear();
    loop.run([this] { server.reset(); });
  }
  std::uint16_t start() {
    return loop.run([this] {
      server.emplace(loop.context().get_executor(), router, options);
      EXPECT_FALSE(server->listen());
      return server->port();
    });
  }
  std::vector<http_responder> wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    arrived.wait_for(lock, 10s, [&] { return waiting.size() >= count; });
    return std::move(waiting);
  }
  static std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n"; }
  static std::string get_once(std::string_view path, std::string_view fields = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "Connection: close\r\n\r\n";
  }
  std::string ask(std::uint16_t port, std::string_view octets) {
    const raw_client client(port);
    client.send(octets);
    return client.receive_all();
  }

  std::shared_ptr<http_router> router = std::make_shared<http_router>();
  http_server_options options;
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<http_responder> waiting;
  std::vector<std::string> exchanges;
  loop_thread loop;
  std::optional<http_server> server;
};

TEST_F(HttpServer, Answers) {
  const auto port = start();
  const auto out = ask(port, get_once("/hello"));
  EXPECT_THAT(out, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(out, HasSubstr("GMT\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
                             "world"));
}

TEST_F(HttpServer, DecodesPathParameters) {
  const auto port = start();
  EXPECT_THAT(ask(port, get_once("/messages/a%2Fb%20c")), ::testing::EndsWith("\r\n\r\na/b c"));
  for (const auto* path : {"/messages/", "/messages/a/b", "/messages/%zz", "/messages/a%00", "/messages/../x", "/nope", "//"})
    EXPECT_THAT(ask(port, get_once(path)), StartsWith("HTTP/1.1 404")) << path;
}

TEST_F(HttpServer, SaysWhichMethodsAPathHas) {
  const auto port = start();
  const auto refused = ask(port, "DELETE /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(refused, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
  EXPECT_THAT(refused, HasSubstr(R"({"error":{"code":"method_not_allowed","message":)"));
  EXPECT_THAT(ask(port, "OPTIONS /messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              ::testing::AllOf(StartsWith("HTTP/1.1 204"), HasSubstr("Allow: POST, OPTIONS\r\n")));
}

TEST_F(HttpServer, HasABodyLimitPerRoute) {
  const auto port = start();
  EXPECT_THAT(ask(port, "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789"),
              StartsWith("HTTP/1.1 202"));
  EXPECT_THAT(ask(port, "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890"),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServer, AnErrorReachesAPeerThatIsStillSending) {
  const auto port = start();
  const raw_client client(port);
  client.send("POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n");
  client.send(std::string(500'000, 'x'));
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServer, RefusesSmugglingAndCloses) {
  const auto port = start();
  const auto out = ask(port, "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "0\r\n\r\n" + get("/hello"));
  EXPECT_THAT(out, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(out, Not(HasSubstr("world")));
}

TEST_F(HttpServer, PipelinedResponsesLeaveInOneWrite) {
  const auto port = start();
  const raw_client client(port);
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += get("/hello");
  client.send(ten);
  // One write arrives as one segment on loopback.
  const auto out = client.receive_some();
  std::size_t count = 0;
  for (auto at = out.find("world"); at != std::string::npos; at = out.find("world", at + 1)) ++count;
  EXPECT_EQ(count, 10u);
}

TEST_F(HttpServer, AnswersFromOtherThreadsLeaveInOrder) {
  const auto port = start();
  const raw_client client(port);
  client.send(get("/later") + get("/later") + get_once("/hello"));
  auto responders = wait_for(2);
  ASSERT_EQ(responders.size(), 2u);
  std::thread([r = responders[1]] { r.send(http_text(200, "two")); }).join();
  std::thread([r = responders[0]] { r.send(http_text(200, "one")); }).join();
  const auto out = client.receive_all();
  EXPECT_LT(out.find("one"), out.find("two"));
  EXPECT_LT(out.find("two"), out.find("world"));
  EXPECT_NE(out.find("world"), std::string::npos);
}

TEST_F(HttpServer, AnAnswerAfterTheClientLeftIsDropped) {
  const auto port = start();
  {
    const raw_client client(port);
    client.send(get("/later"));
    waiting = wait_for(1);
  }
  ASSERT_EQ(waiting.size(), 1u);
  waiting[0].send(http_text(200, "late"));
  EXPECT_THAT(ask(port, get_once("/hello")), HasSubstr("world"));
}

TEST_F(HttpServer, AHandlerThatForgetsOrThrowsGives500) {
  const auto port = start();
  EXPECT_THAT(ask(port, get_once("/never")), StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(ask(port, get_once("/throws")), ::testing::AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("oops"))));
}

TEST_F(HttpServer, GuardsRoutes) {
  const auto port = start();
  const auto refused = ask(port, get_once("/private"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Basic realm=\"msgkit\", charset=\"UTF-8\"\r\n"));
  for (const std::string& good : {"Basic " + base64_encode("any:k3y"), std::string("bearer k3y")})
    EXPECT_THAT(ask(port, get_once("/private", "Authorization: " + good + "\r\n")), HasSubstr("secret")) << good;
  for (const std::string& bad : {"Basic " + base64_encode("any:k3"), std::string("Bearer k3yx"), std::string("Basic !!!!"),
                                 std::string("Basic"), "Basic " + base64_encode("k3y"), std::string("Digest k3y")})
    EXPECT_THAT(ask(port, get_once("/private", "Authorization: " + bad + "\r\n")), StartsWith("HTTP/1.1 401")) << bad;
}

TEST_F(HttpServer, AnswersExpect) {
  const auto port = start();
  const raw_client client(port);
  client.send("POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 202"));
}

TEST_F(HttpServer, TimesOutASlowHead) {
  options.limits.head_timeout = 30ms;
  const auto port = start();
  EXPECT_THAT(ask(port, "GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408"));
}

TEST_F(HttpServer, ClosesIdleConnections) {
  options.limits.idle_timeout = 30ms;
  const auto port = start();
  EXPECT_EQ(ask(port, ""), "");
}

TEST_F(HttpServer, CutsAPeerThatDoesNotRead) {
  options.write_timeout = 50ms;
  const auto port = start();
  const raw_client client(port, 4096);
  // In one write: the cut may come before a second one is read.
  client.send(get("/big") + get("/big") + get("/big") + get("/big"));
  std::unique_lock lock(mutex);
  EXPECT_TRUE(arrived.wait_for(lock, 10s, [this] { return exchanges.size() == 4; }));
  lock.unlock();
  // Reading only after the cut: the rest of 32 MiB never comes.
  std::promise<void> gone;
  loop.run([&] { server->drain([&] { gone.set_value(); }); });
  EXPECT_EQ(gone.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_LT(client.receive_all().size(), std::size_t{32} << 20);
}

TEST_F(HttpServer, SendsLargeBodiesToASlowReader) {
  const auto port = start();
  const auto out = ask(port, get_once("/big"));
  EXPECT_EQ(out.size() - out.find("\r\n\r\n") - 4, std::size_t{8} << 20);
}

TEST_F(HttpServer, LimitsConnections) {
  options.listen.connections_max = 1;
  const auto port = start();
  const raw_client first(port);
  first.send(get("/hello"));
  EXPECT_THAT(first.receive_some(), HasSubstr("world"));
  EXPECT_EQ(ask(port, get("/hello")), "");
}

TEST_F(HttpServer, DrainsWithWhatIsInProgressAnswered) {
  const auto port = start();
  const raw_client busy(port);
  busy.send(get("/later"));
  const raw_client idle(port);
  idle.send(get("/hello"));
  EXPECT_THAT(idle.receive_some(), HasSubstr("world"));
  auto responders = wait_for(1);
  std::promise<void> done;
  loop.run([&] { server->drain([&] { done.set_value(); }); });
  EXPECT_EQ(idle.receive_all(), "");
  responders[0].send(http_text(200, "last"));
  EXPECT_THAT(busy.receive_all(), ::testing::AllOf(HasSubstr("last"), HasSubstr("Connection: close\r\n")));
  EXPECT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(HttpServer, ReportsEveryExchange) {
  const auto port = start();
  ask(port, get_once("/messages/1"));
  ask(port, get_once("/nope"));
  ask(port, "nonsense\r\n\r\n");
  const std::lock_guard lock(mutex);
  EXPECT_THAT(exchanges, ::testing::ElementsAre("200 GET /messages/{id}", "404 GET ", "400  "));
}

TEST(HttpRouter, RefusesOurOwnMistakes) {
  http_router r;
  const auto ok = [](const http_request&) { return http_response{}; };
  r.add_direct("GET", "/a", ok);
  EXPECT_THROW(r.add_direct("GET", "/a", ok), std::invalid_argument);
  for (const auto* bad : {"a", "", "/{", "/{}", "/a{b}", "/{a}b"}) EXPECT_THROW(r.add_direct("GET", bad, ok), std::invalid_argument);
  EXPECT_THAT(r.list(), ::testing::ElementsAre("GET /a"));
}

TEST(Base64, RoundTripsAndRefuses) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(base64_decode(base64_encode(text)), text);
  EXPECT_EQ(base64_encode("any:k3y"), "YW55OmszeQ==");
  for (const auto* bad : {"a", "ab=", "a===", "a=bc", "ab c", "====", "abc\n"}) EXPECT_FALSE(base64_decode(bad)) << bad;
}

}  // namespace
}  // namespace msgkit::app
