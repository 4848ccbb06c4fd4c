#include "msgkit/mm7/net/authentication.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1}};

mm7::server_authentication make_server(bool basic = true, bool digest = true, std::size_t nonces_max = 100) {
  return mm7::server_authentication({.realm = "r",
                                     .basic = basic,
                                     .digest = digest,
                                     .password_of = [](std::string_view user) -> std::optional<std::string> {
                                       if (user == "Mufasa") return "Circle of Life";
                                       return std::nullopt;
                                     },
                                     .nonces_max = nonces_max});
}
const mm7::http_password right{"Mufasa", "Circle of Life"}, wrong{"Mufasa", "Circle of Death"};
const mm7::http_target target{.uri = "/mm7", .body = as_bytes("body")};

std::vector<std::string> challenges(const mm7::http_reply& r) {
  std::vector<std::string> all;
  for (const auto& [name, value] : r.fields)
    if (name == "WWW-Authenticate") all.push_back(value);
  return all;
}

// A client and a server talk until the server is content or the client gives up; the number of requests, 0 for failure.
int talk(mm7::client_authentication& c, mm7::server_authentication& s, time_point now = start) {
  for (int i = 1; i <= 4; ++i) {
    const auto sent = c.authorize(target);
    const auto said = s.check(target, sent, now);
    if (std::holds_alternative<std::string>(said)) return i;
    if (!c.challenged(challenges(std::get<mm7::http_reply>(said)), sent)) return 0;
  }
  return 0;
}

}  // namespace

TEST(ClientAuthentication, AnswersTheChallengesOfRfc7616) {
  for (const auto& [algorithm, nonce] : {std::pair{"MD5", 32}, {"SHA-256", 64}}) {
    mm7::client_authentication c(right);
    const std::string challenge = std::string(R"(Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=)") + algorithm +
                                  R"(, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")";
    ASSERT_TRUE(c.challenged({challenge}, ""));
    const auto parsed = mm7::parse_http_authorization(c.authorize({.method = "GET", .uri = "/dir/index.html"}));
    ASSERT_TRUE(parsed);
    const auto& a = parsed->front();
    EXPECT_EQ(a.get("response").size(), static_cast<std::size_t>(nonce));
    EXPECT_EQ(a.get("qop"), "auth");
    EXPECT_EQ(a.get("nc"), "00000001");
    EXPECT_EQ(a.get("opaque"), "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
  }
}

// RFC 2617 section 3.5 without qop is RFC 2069: everything but our own nonce is given.
TEST(ClientAuthentication, SpeaksToServersWithoutQuality) {
  mm7::client_authentication c({"Mufasa", "Circle Of Life"});
  ASSERT_TRUE(c.challenged({R"(Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093")"}, ""));
  const auto value = c.authorize({.method = "GET", .uri = "/dir/index.html"});
  EXPECT_NE(value.find(R"(response="670fd8c2df070c60b045671b8b24ff02")"), std::string::npos) << value;
}

TEST(Authentication, BothSidesAgreeInEveryScheme) {
  for (const bool basic : {false, true}) {
    for (const bool digest : {false, true}) {
      if (!basic && !digest) continue;
      auto server = make_server(basic, digest);
      mm7::client_authentication good(right), bad(wrong), nobody({"Nala", "x"});
      EXPECT_EQ(talk(good, server), 2);
      EXPECT_EQ(talk(good, server), 1) << "the second request needs no challenge";
      EXPECT_EQ(talk(bad, server), 0);
      EXPECT_EQ(talk(nobody, server), 0);
    }
  }
}

TEST(Authentication, ASchemeThatIsNotAllowedIsNotUsed) {
  auto only_basic = make_server(true, false);
  mm7::client_authentication careful(right, mm7::client_scheme::digest), eager(right, mm7::client_scheme::basic);
  EXPECT_EQ(talk(careful, only_basic), 0);
  EXPECT_EQ(talk(eager, only_basic), 1);
  auto only_digest = make_server(false, true);
  EXPECT_EQ(talk(eager, only_digest), 0);
}

TEST(ServerAuthentication, ANonceTooOldIsStaleForWhoKnowsThePasswordOnly) {
  auto server = make_server();
  mm7::client_authentication good(right), bad(wrong);
  EXPECT_EQ(talk(good, server), 2);
  EXPECT_EQ(talk(good, server, start + 1h), 2) << "a fresh nonce, the same password";
  ASSERT_TRUE(bad.challenged(challenges(std::get<mm7::http_reply>(server.check(target, "", start))), ""));
  const auto said = server.check(target, bad.authorize(target), start + 1h);
  EXPECT_EQ(challenges(std::get<mm7::http_reply>(said)).front().find("stale"), std::string::npos);
}

TEST(ServerAuthentication, ACountIsGoodOnceInAnyOrder) {
  auto server = make_server();
  mm7::client_authentication c(right);
  ASSERT_TRUE(c.challenged(challenges(std::get<mm7::http_reply>(server.check(target, "", start))), ""));
  std::vector<std::string> sent;
  for (int i = 0; i < 4; ++i) sent.push_back(c.authorize(target));
  for (const auto i : {2u, 0u, 3u, 1u}) EXPECT_TRUE(std::holds_alternative<std::string>(server.check(target, sent[i], start))) << i;
  for (const auto& again : sent) {
    const auto said = server.check(target, again, start);
    ASSERT_TRUE(std::holds_alternative<mm7::http_reply>(said));
    EXPECT_NE(challenges(std::get<mm7::http_reply>(said)).front().find("stale=true"), std::string::npos);
  }
}

TEST(ServerAuthentication, ForgottenCountsCannotBeReplayed) {
  auto server = make_server(true, true, 1);
  mm7::client_authentication a(right), b(right);
  const auto learn = [&](auto& c) { return c.challenged(challenges(std::get<mm7::http_reply>(server.check(target, "", start))), ""); };
  ASSERT_TRUE(learn(a) && learn(b));
  const auto first = a.authorize(target);
  EXPECT_TRUE(std::holds_alternative<std::string>(server.check(target, first, start)));
  EXPECT_TRUE(std::holds_alternative<std::string>(server.check(target, b.authorize(target), start)));  // pushes a's out
  EXPECT_TRUE(std::holds_alternative<mm7::http_reply>(server.check(target, first, start)));
}

TEST(ServerAuthentication, TheDigestIsOfThisRequest) {
  auto server = make_server();
  mm7::client_authentication c(right);
  ASSERT_TRUE(c.challenged(challenges(std::get<mm7::http_reply>(server.check(target, "", start))), ""));
  const auto value = c.authorize(target);
  EXPECT_TRUE(std::holds_alternative<mm7::http_reply>(server.check({.uri = "/other"}, value, start)));
  EXPECT_TRUE(std::holds_alternative<mm7::http_reply>(server.check({.method = "PUT", .uri = "/mm7"}, value, start)));
  auto forged = value;
  forged.replace(forged.find("nonce=\"") + 7, 4, "ffff");
  EXPECT_TRUE(std::holds_alternative<mm7::http_reply>(server.check(target, forged, start)));
  for (const std::string_view bad : {"Basic", "Basic !!", "Digest", "Digest nonce=\"x\"", "Bearer x", "Basic TXVmYXNh"})
    EXPECT_TRUE(std::holds_alternative<mm7::http_reply>(server.check(target, bad, start))) << bad;
}
