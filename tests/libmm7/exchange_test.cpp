#include "msgkit/mm7/exchange.hpp"

#include <gtest/gtest.h>

using namespace msgkit;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1}};

mm7::envelope submit(std::string id = "t-1") {
  mm7::submit_req m;
  m.recipients.to = {{.value = "+12025550101"}};
  return {.transaction_id = std::move(id), .operation = std::move(m)};
}

template <class R>
mm7::http_body answer_with(mm7::status_code code, std::string id = "t-1", bool is_fault = false) {
  R r;
  r.status.code = code;
  if constexpr (requires { r.message_id; }) r.message_id = "m-9";
  auto body = mm7::encode({.transaction_id = std::move(id), .operation = std::move(r), .is_fault = is_fault});
  EXPECT_TRUE(body);
  return *body;
}

mm7::answer read(const mm7::http_body& b, unsigned status = 200) {
  return mm7::read_answer(submit(), status, b.content_type, b.body);
}

mm7::exchange make(mm7::exchange_options o = {}) {
  auto x = mm7::exchange::make(submit(), {}, o, start);
  EXPECT_TRUE(x);
  return *std::move(x);
}

}  // namespace

TEST(ReadAnswer, TellsSuccessPartialSuccessRefusalAndPatienceApart) {
  const auto ok = read(answer_with<mm7::submit_rsp>(mm7::status_code::success));
  EXPECT_EQ(ok.verdict, mm7::verdict::accepted);
  EXPECT_EQ(ok.message_id, "m-9");
  EXPECT_EQ(read(answer_with<mm7::submit_rsp>(mm7::status_code::partial_success)).verdict, mm7::verdict::partial);
  EXPECT_EQ(read(answer_with<mm7::submit_rsp>(mm7::status_code::address_error)).verdict, mm7::verdict::refused);
  EXPECT_EQ(read(answer_with<mm7::submit_rsp>(mm7::status_code::service_unavailable)).verdict, mm7::verdict::try_again);
}

TEST(ReadAnswer, TakesAFaultUnderAnyHttpStatus) {
  for (const unsigned status : {200u, 400u, 500u}) {
    const auto a = read(answer_with<mm7::rs_error_rsp>(mm7::status_code::unsupported_version, "t-1", true), status);
    EXPECT_EQ(a.verdict, mm7::verdict::refused) << status;
    ASSERT_TRUE(a.status) << status;
    EXPECT_EQ(a.status->code, mm7::status_code::unsupported_version);
  }
}

TEST(ReadAnswer, NeverTakesAnotherTransactionOrOperationForSuccess) {
  const auto other = read(answer_with<mm7::submit_rsp>(mm7::status_code::success, "t-2"));
  EXPECT_EQ(other.verdict, mm7::verdict::try_again);
  EXPECT_EQ(other.error, mm7::errc::answer_mismatch);
  EXPECT_EQ(read(answer_with<mm7::cancel_rsp>(mm7::status_code::success)).error, mm7::errc::answer_mismatch);
  const auto request = *mm7::encode(submit());
  EXPECT_EQ(read(request).error, mm7::errc::answer_mismatch);
}

TEST(ReadAnswer, ReadsHttpStatusesThatCarryNoAnswer) {
  const mm7::http_body none{.content_type = "text/plain"};
  EXPECT_EQ(read(none, 403).verdict, mm7::verdict::refused);
  EXPECT_EQ(read(none, 302).verdict, mm7::verdict::refused);
  for (const unsigned status : {408u, 429u, 500u, 503u}) EXPECT_EQ(read(none, status).verdict, mm7::verdict::try_again) << status;
  EXPECT_EQ(read(none, 200).verdict, mm7::verdict::try_again);
}

TEST(Exchange, RepeatsWithGrowingDelaysUntilAnAnswer) {
  auto x = make({.retry = {.initial = 1s, .maximum = 10s, .factor = 2, .jitter = 0}});
  auto now = start;
  ASSERT_TRUE(x.is_due(now));
  const auto first = x.body().body;
  x.begin_attempt(now);
  EXPECT_EQ(x.next_deadline(), never);
  x.failed(std::make_error_code(std::errc::timed_out), now);
  EXPECT_EQ(x.next_deadline(), now + 1s);
  EXPECT_FALSE(x.is_due(now));
  now += 1s;
  x.begin_attempt(now);
  x.failed(std::make_error_code(std::errc::timed_out), now);
  EXPECT_EQ(x.next_deadline(), now + 2s);
  now += 2s;
  EXPECT_EQ(x.body().body, first);  // the same transaction id
  x.begin_attempt(now);
  const auto ok = answer_with<mm7::submit_rsp>(mm7::status_code::success);
  x.answered(200, ok.content_type, ok.body, now);
  ASSERT_TRUE(x.outcome());
  EXPECT_EQ(x.outcome()->verdict, mm7::verdict::accepted);
  EXPECT_EQ(x.attempts(), 3u);
}

TEST(Exchange, EndsWithTheLastAnswerWhenAttemptsOrTimeRunOut) {
  auto few = make({.attempts_max = 1});
  few.begin_attempt(start);
  few.failed(std::make_error_code(std::errc::connection_refused), start);
  ASSERT_TRUE(few.outcome());
  EXPECT_EQ(few.outcome()->verdict, mm7::verdict::try_again);
  EXPECT_EQ(few.outcome()->error, std::errc::connection_refused);
  auto late = make({.expire_after = 10s, .retry = {.initial = 30s}});
  late.begin_attempt(start);
  late.failed(std::make_error_code(std::errc::connection_refused), start);
  EXPECT_TRUE(late.outcome());
}

TEST(Exchange, WaitsAsLongAsThePeerAsksButNoLongerThanAnHour) {
  auto x = make({.retry = {.initial = 1s}});
  x.begin_attempt(start);
  x.answered(503, "", {}, start, 20s);
  EXPECT_EQ(x.next_deadline(), start + 20s);
  x.begin_attempt(start + 20s);
  x.answered(503, "", {}, start, std::chrono::hours{100});
  EXPECT_EQ(x.next_deadline(), start + 1h);
}

TEST(Exchange, NeedsATransactionId) {
  EXPECT_FALSE(mm7::exchange::make(submit(""), {}, {}, start));
}

TEST(ResponseName, EveryRequestHasOneAndNoResponseHas) {
  EXPECT_EQ(mm7::response_name(mm7::submit_req{}), "SubmitRsp");
  EXPECT_EQ(mm7::response_name(mm7::read_reply_req{}), "ReadReplyRsp");
  EXPECT_EQ(mm7::response_name(mm7::submit_rsp{}), "");
}
