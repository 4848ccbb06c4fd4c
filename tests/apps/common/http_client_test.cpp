#include "common/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "common/http_server.hpp"
#include "loopback.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using enum exchange_outcome;

struct HttpClient : ::testing::Test {
  HttpClient() {
    router->add_direct("GET", "/hello", [](const http_request&) { return http_text(200, "world"); });
    router->add_direct("POST", "/echo", [](const http_request& r) {
      return http_text(201,
                       std::string(r.header("X-Test")) + '|' + std::string(r.header("Content-Type")) + '|' + r.body);
    });
    router->add_direct("DELETE", "/gone", [](const http_request&) { return http_response{.status = 204}; });
    router->add_direct("GET", "/big", [](const http_request&) { return http_text(200, std::string(1 << 20, 'x')); });
    router->add_direct("GET", "/away", [this](const http_request&) { return redirect(away); });
    router->add_direct("GET", "/seen", [](const http_request& r) {
      return http_text(200, "auth=" + std::string(r.header("Authorization")));
    });
    router->add("GET", "/never", [this](http_request, http_responder responder) {
      const std::lock_guard lock(mutex);
      kept.push_back(std::move(responder));
      arrived.notify_all();
    });
    port = loop.run([this] {
      server.emplace(loop.context().get_executor(), router, http_server_options{});
      EXPECT_FALSE(server->listen());
      return server->port();
    });
  }
  ~HttpClient() override {
    client.stop();
    loop.run([this] { server.reset(); });
    loop.run([this] { kept.clear(); });  // requests read before their connections closed have come in
  }
  static http_response redirect(const std::string& to) { return {.status = 302, .fields = {{"Location", to}}}; }

  [[nodiscard]] std::string url(std::string_view path, std::string_view host = "127.0.0.1") const {
    return "http://" + std::string(host) + ':' + std::to_string(port) + std::string(path);
  }
  static url_guard loopback() {
    url_guard g;
    g.also_allowed = *ip_ranges::parse({"127.0.0.1"});
    return g;
  }
  outbound_request get(std::string_view path) { return {.url = url(path), .guard = loopback()}; }

  outbound_answer ask(outbound_request r) {
    std::promise<outbound_answer> answered;
    EXPECT_TRUE(client.send(std::move(r), [&](outbound_answer a) { answered.set_value(std::move(a)); }));
    return answered.get_future().get();
  }

  loop_thread loop;
  std::shared_ptr<http_router> router = std::make_shared<http_router>();
  std::optional<http_server> server;
  std::uint16_t port = 0;
  std::string away;
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<http_responder> kept;
  http_client client{{.requests_max = 3}};
};

TEST_F(HttpClient, ReadsAnAnswer) {
  const auto a = ask(get("/hello"));
  EXPECT_EQ(a.outcome, answered);
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.body, "world");
  EXPECT_EQ(a.header("content-TYPE"), "text/plain; charset=utf-8");
}

TEST_F(HttpClient, SendsFieldsAndBodyAsTheyAre) {
  const std::string body("a\0b\r\n", 5);
  const auto a = ask({.method = "POST",
                      .url = url("/echo"),
                      .fields = {{"X-Test", "v"}, {"Content-Type", "application/json"}},
                      .body = body,
                      .guard = loopback()});
  EXPECT_EQ(a.status, 201u);
  EXPECT_EQ(a.body, "v|application/json|" + body);
  EXPECT_EQ(ask({.method = "DELETE", .url = url("/gone"), .guard = loopback()}).status, 204u);
}

TEST_F(HttpClient, RefusesAddressesInsideByDefault) {
  for (const std::string& inside :
       {url("/hello"), url("/hello", "localhost"), url("/hello", "127.1"), url("/hello", "0"), url("/hello", "[::1]"),
        url("/hello", "[::ffff:127.0.0.1]"), url("/hello", "2130706433"),
        std::string("http://169.254.169.254/latest/meta-data")}) {
    const auto a = ask({.url = inside});
    EXPECT_EQ(a.outcome, refused) << inside << ' ' << a.error;
  }
}

TEST_F(HttpClient, RefusesOtherSchemes) {
  for (const auto* bad : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "nonsense", ""})
    EXPECT_EQ(ask({.url = bad, .guard = loopback()}).outcome, refused) << bad;
  auto r = get("/hello");
  r.guard.https_only = true;
  EXPECT_EQ(ask(r).outcome, refused);
}

TEST_F(HttpClient, ChecksTheTargetOfARedirectToo) {
  away = url("/hello", "127.0.0.2");
  auto r = get("/away");
  r.redirects_max = 3;
  EXPECT_EQ(ask(r).outcome, refused);
  away = "file:///etc/passwd";
  EXPECT_EQ(ask(r).outcome, refused);
  away = "/hello";
  EXPECT_EQ(ask(r).body, "world");
  away = "/away";
  EXPECT_EQ(ask(r).outcome, refused) << "a circle";
  EXPECT_EQ(ask(get("/away")).status, 302u) << "not followed unless asked to";
}

TEST_F(HttpClient, AConnectionKeptFromALaxRequestServesNoStrictOne) {
  EXPECT_EQ(ask(get("/hello")).outcome, answered);
  EXPECT_EQ(ask({.url = url("/hello")}).outcome, refused);
}

TEST_F(HttpClient, KeepsCredentialsForTheFirstHost) {
  auto r = get("/away");
  r.redirects_max = 1;
  r.fields = {{"Authorization", "Bearer t0ken"}};
  away = "/seen";
  EXPECT_EQ(ask(r).body, "auth=Bearer t0ken");
  away = url("/seen", "127.0.0.3");
  r.guard.also_allowed = *ip_ranges::parse({"127.0.0.0/8"});
  const auto a = ask(r);
  EXPECT_THAT(a.body, Not(HasSubstr("t0ken")));
}

TEST_F(HttpClient, StopsReadingWhatIsTooLarge) {
  auto r = get("/big");
  r.response_bytes_max = 1'000;
  const auto a = ask(r);
  EXPECT_EQ(a.outcome, too_large);
  EXPECT_EQ(a.status, 200u);
  EXPECT_LE(a.body.size(), 1'000u);
}

TEST_F(HttpClient, TellsWhatWasSentFromWhatWasNot) {
  auto r = get("/never");
  r.timeout = 50ms;
  EXPECT_EQ(ask(r).outcome, no_answer);
  r.url = "http://127.0.0.1:1/";
  EXPECT_EQ(ask(r).outcome, not_sent);
  r.url = "http://host.invalid/";
  r.timeout = 10s;
  EXPECT_EQ(ask(r).outcome, not_sent);
  r.url = "https://127.0.0.1:" + std::to_string(port) + "/hello";  // the server speaks no TLS
  EXPECT_EQ(ask(r).outcome, not_sent);
}

TEST_F(HttpClient, AnswersThatBreakOffAreNone) {
  router->add_direct("GET", "/unused", [](const http_request&) { return http_text(200, ""); });
  auto r = get("/never");
  std::promise<outbound_answer> ended;
  ASSERT_TRUE(client.send(r, [&](outbound_answer a) { ended.set_value(std::move(a)); }));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(arrived.wait_for(lock, 10s, [this] { return !kept.empty(); }));
  }
  loop.run([this] { server->close(); });
  EXPECT_EQ(ended.get_future().get().outcome, no_answer);
}

TEST_F(HttpClient, RefusesHeaderInjection) {
  for (const http_field& bad : {http_field{"X", "a\r\nY: b"}, http_field{"X\r\nY", "a"}, http_field{"", "a"},
                                http_field{"X: y", "a"}, http_field{"X", std::string("a\0b", 3)}}) {
    auto r = get("/hello");
    r.fields = {bad};
    EXPECT_EQ(ask(r).outcome, refused);
  }
}

TEST_F(HttpClient, BoundsWhatIsOpen) {
  std::atomic<int> ended{0};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.send(get("/never"), [&](const outbound_answer&) { ++ended; }));
  EXPECT_FALSE(client.send(get("/never"), [&](const outbound_answer&) { ++ended; }));
  EXPECT_EQ(client.open_requests(), 3u);
  client.stop();
  EXPECT_EQ(ended, 3) << "each handler once";
  EXPECT_FALSE(client.send(get("/hello"), [](const outbound_answer&) {}));
}

TEST_F(HttpClient, ErrorsDoNotRepeatQueries) {
  auto r = get("/x?token=t0ken");
  r.url = "http://127.0.0.1:1/x?token=t0ken";
  const auto a = ask(r);
  EXPECT_THAT(a.error, HasSubstr("http://127.0.0.1:1/x"));
  EXPECT_THAT(a.error, Not(HasSubstr("t0ken")));
}

}  // namespace
}  // namespace msgkit::app
