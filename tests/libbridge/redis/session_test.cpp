#include "msgkit/bridge/redis/session.hpp"

#include <gtest/gtest.h>

#include <array>

namespace msgkit::bridge::redis {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;
using words = std::vector<std::string_view>;

struct scripted {
  explicit scripted(session_options o = {}) : s(std::move(o)) { s.connected(start); }
  std::string sent() {
    std::string text(as_text(s.output()));
    s.clear_output();
    return text;
  }
  // Events as text.
  std::string give(std::string_view octets) {
    s.feed(as_bytes(octets), start);
    return drain();
  }
  std::string drain() {
    std::string out;
    while (const auto e = s.next_event()) {
      constexpr const char* names[] = {"ready", "reply", "message", "unsubscribed", "closed"};
      out += names[static_cast<int>(e->kind)];
      if (e->kind == event_kind::reply) out += " " + std::to_string(e->cookie);
      if (e->kind == event_kind::unsubscribed) out += " " + std::string(e->channel);
      if (e->kind == event_kind::message)
        out += " " + std::string(e->channel) + " " + std::string(e->pattern) + " " + std::string(e->payload);
      if (e->error) out += " " + e->error.message();
      out += ";";
    }
    return out;
  }
  session s;
};

TEST(RedisSession, GreetsWithResp3AndSelects) {
  scripted t({.user_name = "u", .password = "p", .client_name = "n", .database = 2});
  EXPECT_EQ(t.sent(),
            "*7\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n$7\r\nSETNAME\r\n$1\r\nn\r\n");
  EXPECT_EQ(t.give("%1\r\n+proto\r\n:3\r\n"), "");
  EXPECT_EQ(t.sent(), "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n");
  EXPECT_EQ(t.give("+OK\r\n"), "ready;");
}

TEST(RedisSession, IsReadyAtAMasterAlone) {
  const auto greeted = [](std::string_view role, std::string_view answer) {
    scripted t({.master_only = true});
    (void)t.give("%0\r\n");
    EXPECT_NE(t.sent().find("$4\r\nROLE\r\n"), std::string::npos) << role;
    return t.give(answer);
  };
  EXPECT_EQ(greeted("master", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"), "ready;");
  EXPECT_EQ(greeted("replica", "*2\r\n$5\r\nslave\r\n$1\r\nh\r\n"), "closed server is not the master;");
  EXPECT_EQ(greeted("denied", "-NOPERM no\r\n"), "closed peer broke the protocol;");
}

TEST(RedisSession, TellsThatTheServerUnsubscribedAShard) {
  scripted t;
  (void)t.give("%0\r\n");
  ASSERT_TRUE(t.s.subscribe("SSUBSCRIBE", words{"a"}, 5, start));
  // Of an earlier subscription: no answer to this one.
  EXPECT_EQ(t.give(">3\r\n$12\r\nsunsubscribe\r\n$1\r\nb\r\n:0\r\n"), "unsubscribed b;");
  EXPECT_EQ(t.give(">3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n"), "reply 5;");
  EXPECT_EQ(t.give(">3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n"), "unsubscribed a;");
  ASSERT_TRUE(t.s.subscribe("SUNSUBSCRIBE", words{"a"}, 6, start));
  EXPECT_EQ(t.give(">3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n"), "reply 6;");
}

TEST(RedisSession, FallsBackToResp2) {
  scripted t({.password = "p"});
  (void)t.sent();
  EXPECT_EQ(t.give("-ERR unknown command `HELLO`\r\n"), "");
  EXPECT_EQ(t.sent(), "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n");
  EXPECT_EQ(t.give("+OK\r\n+OK\r\n"), "ready;");
  ASSERT_TRUE(t.s.subscribe("PSUBSCRIBE", words{"a.*"}, 5, start));
  EXPECT_EQ(t.give("*3\r\n$10\r\npsubscribe\r\n$3\r\na.*\r\n:1\r\n"), "reply 5;");
  EXPECT_EQ(t.give("*4\r\n$8\r\npmessage\r\n$3\r\na.*\r\n$3\r\na.b\r\n$1\r\nx\r\n"), "message a.b a.* x;");
}

TEST(RedisSession, WrongPasswordClosesWithTheServersWords) {
  scripted t({.password = "p"});
  EXPECT_EQ(t.give("-WRONGPASS invalid\r\n"), "closed peer broke the protocol;");
  EXPECT_TRUE(t.s.is_closed());
}

TEST(RedisSession, EveryCommandHasOneOutcomeInOrder) {
  scripted t;
  EXPECT_EQ(t.give("%0\r\n"), "ready;");
  for (const std::uint64_t cookie : {1, 2, 3}) ASSERT_TRUE(t.s.command(words{"PING"}, cookie, start));
  EXPECT_EQ(t.give("+PONG\r\n>3\r\n+message\r\n+c\r\n+x\r\n-ERR\r\n"), "reply 1;message c  x;reply 2;");
  t.s.disconnected({});
  EXPECT_EQ(t.drain(), "reply 3 not connected;closed not connected;");
  EXPECT_FALSE(t.s.command(words{"PING"}, 4, start));
}

TEST(RedisSession, CountsTheConfirmationsOfASubscribe) {
  scripted t;
  (void)t.give("%0\r\n");
  ASSERT_TRUE(t.s.subscribe("SUBSCRIBE", words{"a", "b"}, 1, start));
  EXPECT_EQ(t.give(">3\r\n+subscribe\r\n+a\r\n:1\r\n"), "");
  EXPECT_EQ(t.give(">3\r\n+subscribe\r\n+b\r\n:2\r\n"), "reply 1;");
  ASSERT_TRUE(t.s.subscribe("SUBSCRIBE", words{"c"}, 2, start));
  EXPECT_EQ(t.give("-NOPERM no\r\n"), "reply 2;");
}

TEST(RedisSession, TimesOutAndPings) {
  scripted t;
  (void)t.give("%0\r\n");
  (void)t.sent();
  t.s.on_time(start + 10s);
  EXPECT_EQ(t.sent(), "*1\r\n$4\r\nPING\r\n");
  t.s.on_time(start + 15s);
  EXPECT_EQ(t.drain(), "closed no reply in time;");
}

TEST(RedisSession, ABlockingCommandMayTakeItsTime) {
  scripted t({.ping_interval = 0s});
  (void)t.give("%0\r\n");
  ASSERT_TRUE(t.s.command(words{"XREAD"}, 1, start, 60s));
  EXPECT_EQ(t.s.next_deadline(), start + 65s);
}

TEST(RedisSession, AReplyNobodyAskedForCloses) {
  scripted t;
  (void)t.give("%0\r\n");
  EXPECT_EQ(t.give("+OK\r\n"), "closed peer broke the protocol;");
}

TEST(RedisSession, RefusesBeyondThePipeline) {
  scripted t({.pipeline_max = 1});
  (void)t.give("%0\r\n");
  ASSERT_TRUE(t.s.command(words{"A"}, 1, start));
  EXPECT_EQ(t.s.command(words{"B"}, 2, start).error().code, make_error_code(errc::window_full));
}

}  // namespace
}  // namespace msgkit::bridge::redis
