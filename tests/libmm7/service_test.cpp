#include "msgkit/mm7/service.hpp"

#include <gtest/gtest.h>

#include "msgkit/mm7/exchange.hpp"

using namespace msgkit;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1}};

mm7::envelope submit(std::string id = "t-1", std::string to = "+12025550101", std::string vasp = "acme") {
  mm7::submit_req m;
  m.vasp_id = std::move(vasp);
  m.recipients.to = {{.value = std::move(to)}};
  return {.transaction_id = std::move(id), .operation = std::move(m)};
}

// A service whose requests are kept, and the replies it gave.
struct fixture {
  std::vector<std::shared_ptr<mm7::incoming>> got;
  std::vector<mm7::http_reply> replies;
  mm7::service service;

  explicit fixture(mm7::service_options o = {}) : service(std::move(o), [this](auto m) { got.push_back(std::move(m)); }) {}

  void post(const mm7::envelope& e, time_point now = start) {
    const auto body = mm7::encode(e);
    ASSERT_TRUE(body);
    post(body->content_type, body->body, now);
  }
  void post(std::string_view type, bytes_view body, time_point now = start, std::string_view method = "POST") {
    service.handle({.method = method, .content_type = type, .body = body}, now, [this](mm7::http_reply r) { replies.push_back(std::move(r)); });
  }
  mm7::envelope last() {
    auto r = mm7::decode(replies.back().content_type, replies.back().body);
    EXPECT_TRUE(r);
    return r ? r->envelope : mm7::envelope{};
  }
  mm7::status_code last_status() {
    const auto e = last();
    const auto* s = mm7::status_of(e.operation);
    return s != nullptr ? s->code : mm7::status_code{};
  }
};

}  // namespace

TEST(Service, AnswersWhenTheApplicationHasAndInThePeersNamespace) {
  fixture f;
  auto e = submit();
  e.ns = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2";
  e.version = "5.3.0";
  f.post(e);
  ASSERT_EQ(f.got.size(), 1u);
  EXPECT_TRUE(f.replies.empty());
  f.got[0]->answer({}, "m-1");
  f.got[0]->answer({mm7::status_code::server_error, {}, {}});  // too late
  ASSERT_EQ(f.replies.size(), 1u);
  const auto a = f.last();
  EXPECT_EQ(a.transaction_id, "t-1");
  EXPECT_EQ(a.ns, e.ns);
  EXPECT_EQ(a.version, "5.3.0");
  EXPECT_EQ(std::get<mm7::submit_rsp>(a.operation).message_id, "m-1");
}

TEST(Service, GivesARepetitionTheFirstAnswerAgain) {
  fixture f;
  f.post(submit());
  f.post(submit());  // the first is still being worked on
  ASSERT_EQ(f.got.size(), 1u);
  f.got[0]->answer({}, "m-1");
  EXPECT_EQ(f.replies.size(), 2u);
  f.post(submit(), start + 1h);
  EXPECT_EQ(f.got.size(), 1u);
  ASSERT_EQ(f.replies.size(), 3u);
  EXPECT_EQ(f.replies[2].body, f.replies[0].body);
  f.post(submit(), start + 25h);  // forgotten
  EXPECT_EQ(f.got.size(), 2u);
}

TEST(Service, TakesAnotherMessageUnderAUsedTransactionIdForANewOne) {
  fixture f;
  f.post(submit("t-1", "+12025550101"));
  f.post(submit("t-1", "+12025550102"));
  EXPECT_EQ(f.got.size(), 2u);
  f.got[0]->answer({}, "m-1");
  f.got[1]->answer({}, "m-2");
  f.post(submit("t-1", "+12025550103"));
  EXPECT_EQ(f.got.size(), 3u);
}

TEST(Service, DoesNotRememberWhatMayBeTriedAgain) {
  fixture f;
  f.post(submit());
  f.got.clear();  // dropped without an answer
  ASSERT_EQ(f.replies.size(), 1u);
  EXPECT_EQ(f.last_status(), mm7::status_code::service_unavailable);
  f.post(submit());
  EXPECT_EQ(f.got.size(), 1u);
  EXPECT_EQ(f.service.pending_count(), 1u);
}

TEST(Service, RefusesWhatItCannotTakeWithTheStatusForIt) {
  fixture f({.role = mm7::service_role::vasp});
  f.post(submit());
  EXPECT_EQ(f.last_status(), mm7::status_code::unsupported_operation);
  f.post("text/xml", as_bytes("<!DOCTYPE x><x/>"));
  EXPECT_EQ(f.last_status(), mm7::status_code::message_format_corrupt);
  EXPECT_TRUE(f.last().is_fault);
  mm7::deliver_req d;
  d.sender = mm7::address{.value = "+12025550100"};
  f.post({.transaction_id = "t-3", .version = "9.9.9", .operation = d});
  EXPECT_EQ(f.last_status(), mm7::status_code::unsupported_version);
  EXPECT_EQ(f.last().transaction_id, "t-3");
  f.post("text/xml", {}, start, "GET");
  EXPECT_EQ(f.replies.back().status, 405u);
  EXPECT_TRUE(f.got.empty());
}

TEST(Service, ChecksThatTheCallerSpeaksForItsVaspId) {
  mm7::service_options o;
  o.admit = [](const mm7::http_call& c, time_point) -> mm7::admission {
    if (c.authorization.empty()) return mm7::http_reply{.status = 401};
    return mm7::caller{"acme", "acme"};
  };
  fixture f(std::move(o));
  f.post(submit());
  EXPECT_EQ(f.replies.back().status, 401u);
  const auto other = *mm7::encode(submit("t-1", "+1", "somebody"));
  f.service.handle({.content_type = other.content_type, .authorization = "x", .body = other.body}, start,
                   [&](mm7::http_reply r) { f.replies.push_back(std::move(r)); });
  EXPECT_EQ(f.last_status(), mm7::status_code::improper_identification);
  EXPECT_TRUE(f.got.empty());
}

TEST(Service, SaysBusyWhenTheApplicationIsBehind) {
  fixture f({.pending_max = 2});
  for (const auto* id : {"a", "b", "c"}) f.post(submit(id));
  EXPECT_EQ(f.got.size(), 2u);
  ASSERT_EQ(f.replies.size(), 1u);
  EXPECT_EQ(f.replies[0].status, 503u);
}

TEST(Service, ForgetsTheOldestAnswersFirst) {
  fixture f({.transactions_max = 2});
  for (const auto* id : {"a", "b", "c", "d"}) {
    f.post(submit(id));
    f.got.back()->answer({}, id);
  }
  f.post(submit("d"));
  EXPECT_EQ(f.got.size(), 4u);
  f.post(submit("a"));
  EXPECT_EQ(f.got.size(), 5u);
}

TEST(Service, OutlivesItsRequestsAndTheyIt) {
  std::shared_ptr<mm7::incoming> kept;
  {
    fixture f;
    f.post(submit());
    kept = f.got[0];
  }
  kept->answer({}, "m-1");  // nobody hears it
}
