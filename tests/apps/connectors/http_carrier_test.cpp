#include "connectors/http_carrier.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "connector_fixture.hpp"

namespace msgkit::app::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using enum engine::attempt_outcome;

struct recorder final : http_carrier_observer {
  void on_attempt(const std::string&, engine::attempt_outcome o, std::chrono::milliseconds) override {
    attempts.push_back(o);
  }
  void on_webhook(const std::string&, webhook_answer a) override { webhooks.push_back(a); }
  void on_ignored(const std::string&, std::size_t n) override { ignored += n; }
  void on_opted_out(const std::string&, const std::string& from, const std::string& to) override {
    opted_out.push_back(from + '>' + to);
  }
  std::vector<engine::attempt_outcome> attempts;
  std::vector<webhook_answer> webhooks;
  std::vector<std::string> opted_out;
  std::size_t ignored = 0;
};

class HttpCarrier : public ConnectorTest {
 protected:
  struct call {
    outbound_request request;
    http_client::handler done;
  };

  void start(const std::function<void(http_dialect&)>& change = {}) {
    options.dialect = *find_http_dialect("telnyx");
    if (change) change(options.dialect);
    options.dialect.signature = signature_recipe::token;
    options.name = "tx";
    options.account = {.username = "u", .password = "s3cret"};
    options.signature = {.recipe = signature_recipe::token, .secrets = {"t0ken"}};
    options.callback_url = "https://gw/inbound/x";
    carrier.emplace(
        loop.executor(), engine, options,
        [this](outbound_request r, http_client::handler done) {
          if (is_full) return false;
          calls.push_back({std::move(r), std::move(done)});
          return true;
        },
        seen);
    carrier->start();
    loop.settle();
    link = engine.only<engine::link_state>();
  }
  void send(std::string text, std::uint32_t attempt = 1) {
    engine.act(make_send(link.link, std::move(text), attempt));
    loop.settle();
  }
  engine::attempt_result answer(std::size_t i, outbound_answer a) {
    calls.at(i).done(std::move(a));
    loop.settle();
    return engine.only<engine::attempt_result>();
  }
  static outbound_answer answered(unsigned status, std::string body) {
    return {.outcome = exchange_outcome::answered, .status = status, .body = std::move(body)};
  }
  // The connector's answer to a webhook, 0 while there is none.
  unsigned post(std::string body, std::string token = "t0ken") {
    http_request r;
    r.method = "POST";
    r.body = std::move(body);
    r.fields = {{"X-Webhook-Token", std::move(token)}};
    auto status = std::make_shared<unsigned>(0);
    last_status = status;
    carrier->take_webhook(std::move(r), http_responder([status](const http_response& a) { *status = a.status; }));
    loop.settle();
    return *status;
  }

  http_carrier_options options;
  std::shared_ptr<recorder> seen = std::make_shared<recorder>();
  std::vector<call> calls;
  bool is_full = false;
  std::optional<http_carrier> carrier;
  engine::link_state link;
  std::shared_ptr<unsigned> last_status;
};

const std::string received =
    R"({"data":{"event_type":"message.received","id":"e1","payload":{"text":"hé","from":{"phone_number":"+1555"},)"
    R"("to":[{"phone_number":"+1666"}]}}})";
const std::string finalized =
    R"({"data":{"event_type":"message.finalized","id":"e2","payload":{"id":"c1","to":[{"status":"delivered"}]}}})";

TEST_F(HttpCarrier, IsOneLinkAsWideAsItsWindow) {
  options.window = 5;
  start();
  EXPECT_EQ(link.endpoint, "carrier:tx");
  EXPECT_TRUE(link.up);
  EXPECT_EQ(link.capacity, 5u);
}

TEST_F(HttpCarrier, SendsATextAndReportsTheCarriersId) {
  start();
  send("hello");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].request.url, "https://api.telnyx.com/v2/messages");
  const auto body = nlohmann::json::parse(calls[0].request.body);
  EXPECT_EQ(body["from"], "+46709999999");
  EXPECT_EQ(body["to"], "+46700000001");
  EXPECT_EQ(body["text"], "hello");
  EXPECT_TRUE(calls[0].request.guard.public_only);
  const auto r = answer(0, answered(200, R"({"data":{"id":"c1"}})"));
  EXPECT_EQ(r.outcome, sent);
  EXPECT_EQ(r.id, engine::message_id{42});
  ASSERT_EQ(r.segments.size(), 1u);
  EXPECT_EQ(r.segments[0].carrier_id, "c1");
  EXPECT_TRUE(r.segments[0].receipt_expected);
}

TEST_F(HttpCarrier, EndsEachAttemptByWhatIsKnown) {
  start();
  const std::pair<outbound_answer, engine::attempt_outcome> rows[]{
      {answered(422, R"({"errors":[{"code":"40012"}]})"), permanent},
      {answered(503, ""), temporary},
      {answered(200, "<html>"), unknown},
      {{.outcome = exchange_outcome::not_sent}, temporary},
      {{.outcome = exchange_outcome::no_answer}, unknown},
      {{.outcome = exchange_outcome::too_large}, unknown},
      {{.outcome = exchange_outcome::refused}, permanent},
      {{.outcome = exchange_outcome::canceled}, unknown},
      {answered(429, ""), throttled}};
  std::size_t i = 0;
  for (const auto& [given, outcome] : rows) {
    send("x", static_cast<std::uint32_t>(i + 1));
    EXPECT_EQ(answer(i, given).outcome, outcome) << i;
    ++i;
  }
  send("waits", 100);
  EXPECT_EQ(calls.size(), i) << "a complaint is a pause";
  loop.run_for(2s);
  EXPECT_EQ(calls.size(), i + 1);
}

TEST_F(HttpCarrier, RestsAsLongAsTheCarrierWants) {
  start();
  send("x");
  auto complaint = answered(429, "");
  complaint.fields.push_back({"Retry-After", "60"});
  EXPECT_EQ(answer(0, complaint).outcome, throttled);
  EXPECT_EQ(engine.only<engine::link_state>().capacity, 0u) << "nothing is wanted now";
  send("late", 2);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, not_sent) << "others may take it";
  loop.run_for(59s);
  EXPECT_THAT(engine.take<engine::link_state>(), IsEmpty());
  loop.run_for(2s);
  EXPECT_EQ(engine.only<engine::link_state>().capacity, options.window);
  send("again", 3);
  EXPECT_EQ(calls.size(), 2u);
}

// A carrier that takes parts, answers with words and gives ids, or none.
class PartedCarrier : public HttpCarrier {
 protected:
  void begin(bool has_ids = true) {
    start([has_ids](http_dialect& d) {
      d.parts = part_policy::udh;
      d.body = {{"/text", "${text}"}, {"/udh", "${udh_hex}"}};
      d.has_ids = has_ids;
      if (!has_ids) d.carrier_id = {};
    });
  }
  static outbound_answer id(const std::string& text) { return answered(200, R"({"data":{"id":")" + text + R"("}})"); }
  void answer_part(std::size_t i, outbound_answer a) {
    calls.at(i).done(std::move(a));
    loop.settle();
  }
};

TEST_F(PartedCarrier, SendsPartsOneAfterTheOther) {
  begin();
  send(long_text(3));
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(calls.size(), i + 1);
    answer_part(i, id("c" + std::to_string(i)));
  }
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, sent);
  ASSERT_EQ(r.segments.size(), 3u);
  EXPECT_EQ(r.segments[2].carrier_id, "c2");
  const auto udh = nlohmann::json::parse(calls[1].request.body)["udh"].get<std::string>();
  EXPECT_EQ(udh.substr(0, 6), "050003");
  EXPECT_EQ(udh.substr(8), "0302");
}

TEST_F(PartedCarrier, GoesOnWhereAnEarlierAttemptStopped) {
  begin();
  send(long_text(3));
  answer_part(0, id("c0"));
  answer_part(1, answered(503, ""));
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, temporary);
  ASSERT_EQ(r.segments.size(), 3u);
  EXPECT_TRUE(r.segments[0].accepted);
  EXPECT_FALSE(r.segments[1].accepted);
  auto again = make_send(link.link, long_text(3), 2);
  for (const auto& s : r.segments)
    again.segments.push_back(
        {.accepted = s.accepted, .receipt_expected = s.receipt_expected, .carrier_id = s.carrier_id});
  engine.act(std::move(again));
  loop.settle();
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[2].request.body, calls[1].request.body) << "the same part, with the same reference";
  answer_part(2, id("c1"));
  answer_part(3, id("c2"));
  EXPECT_EQ(engine.only<engine::attempt_result>().segments.at(0).carrier_id, "c0");
}

TEST_F(PartedCarrier, WithoutIdsReceiptsGoByOurs) {
  begin(false);
  send(long_text(2));
  answer_part(0, answered(200, "{}"));
  answer_part(1, answered(200, "{}"));
  const auto r = engine.only<engine::attempt_result>();
  ASSERT_EQ(r.segments.size(), 2u);
  EXPECT_FALSE(r.segments[0].receipt_expected) << "no receipt could say which part it means";
  EXPECT_TRUE(r.segments[1].receipt_expected);
  EXPECT_EQ(r.segments[1].carrier_id, r.id.text());
}

TEST_F(PartedCarrier, StopsBetweenParts) {
  begin();
  send(long_text(2));
  bool stopped = false;
  carrier->stop([&] { stopped = true; });
  loop.settle();
  answer_part(0, id("c0"));
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, not_sent);
  EXPECT_TRUE(r.segments.at(0).accepted);
  EXPECT_EQ(calls.size(), 1u);
  EXPECT_TRUE(stopped);
}

TEST_F(HttpCarrier, RefusesWhatItsDialectFindsTooLarge) {
  start([](http_dialect& d) { d.webhook_octets_max = 64; });
  EXPECT_EQ(post(received), 413u);
  EXPECT_EQ(post(std::string(65, ' '), "other"), 403u) << "the signature comes first";
}

TEST_F(HttpCarrier, TellsOfAnOptOut) {
  start();
  send("x");
  EXPECT_EQ(answer(0, answered(422, R"({"errors":[{"code":"40300"}]})")).code, 40300u);
  EXPECT_THAT(seen->opted_out, ElementsAre("46709999999>46700000001"));
}

TEST_F(HttpCarrier, AFullClientMeansNotSent) {
  start();
  is_full = true;
  send("x");
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, not_sent);
}

TEST_F(HttpCarrier, RefusesBinaryContent) {
  start();
  auto order = make_send(link.link, "x");
  auto binary = std::make_shared<engine::message_content>(*order.content);
  binary->coding = 0x04;
  order.content = binary;
  engine.act(order);
  loop.settle();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, permanent);
  EXPECT_THAT(calls, IsEmpty());
}

TEST_F(HttpCarrier, KeepsItsPace) {
  options.segments_per_second = 10;
  start();
  for (std::uint32_t i = 1; i <= 5; ++i) engine.act(make_send(link.link, "x", i));
  loop.settle();
  const auto at_once = calls.size();
  EXPECT_LT(at_once, 5u);
  loop.run_for(1s);
  EXPECT_EQ(calls.size(), 5u);
}

TEST_F(HttpCarrier, AnswersAWebhookWhenItIsStored) {
  start();
  EXPECT_EQ(post(received), 0u) << "not before the engine has it";
  const auto submitted = engine.only<engine::submit>();
  EXPECT_EQ(submitted.content->account, "carrier:tx");
  EXPECT_EQ(submitted.content->source.value, "1555");
  EXPECT_EQ(submitted.content->destination.value, "1666");
  ASSERT_TRUE(submitted.extras);
  EXPECT_FALSE(submitted.extras->duplicate_id.empty()) << "the carrier may call again";
  EXPECT_EQ(submitted.extras->text, "hé");
  const auto text = to_plain_text(*submitted.content);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text, "hé");
  engine.act(engine::accepted{submitted.token, engine::message_id{1}});
  loop.settle();
  EXPECT_EQ(*last_status, 204u);
}

TEST_F(HttpCarrier, AStatusIsADeliveryReport) {
  start();
  EXPECT_EQ(post(finalized), 0u);
  const auto r = engine.only<engine::report>();
  EXPECT_EQ(r.carrier_id, "c1");
  EXPECT_EQ(r.state, engine::message_state::delivered);
  EXPECT_FALSE(r.intermediate);
  engine.act(engine::report_done{r.token});
  loop.settle();
  EXPECT_EQ(*last_status, 204u);
}

TEST_F(HttpCarrier, AsksToTryAgainWhileTheStoreFails) {
  start();
  post(received);
  engine.act(engine::refused{engine.only<engine::submit>().token, engine::refusal::store_unavailable});
  loop.settle();
  EXPECT_EQ(*last_status, 503u);
  engine.is_full = true;
  EXPECT_EQ(post(received), 503u);
}

TEST_F(HttpCarrier, TakesWhatNobodyWantsSoThatItDoesNotComeBack) {
  start();
  post(received);
  engine.act(engine::refused{engine.only<engine::submit>().token, engine::refusal::no_route});
  loop.settle();
  EXPECT_EQ(*last_status, 204u);
}

TEST_F(HttpCarrier, BelievesNoForgedWebhook) {
  start();
  EXPECT_EQ(post(received, "other"), 403u);
  EXPECT_EQ(post(received, ""), 403u);
  EXPECT_EQ(post("{", "other"), 403u) << "the signature comes first";
  EXPECT_THAT(engine.events, IsEmpty());
  EXPECT_EQ(post("{"), 400u);
}

TEST_F(HttpCarrier, IgnoresEventsItHasNoUseFor) {
  start();
  EXPECT_EQ(post(R"({"data":{"event_type":"call.hangup"}})"), 204u);
  EXPECT_EQ(seen->ignored, 1u);
}

TEST_F(HttpCarrier, StopsWhenWhatIsOnItsWayHasEnded) {
  start();
  send("x");
  bool stopped = false;
  carrier->stop([&] { stopped = true; });
  loop.settle();
  EXPECT_FALSE(stopped);
  EXPECT_EQ(engine.only<engine::link_state>().capacity, 0u);
  EXPECT_EQ(post(received), 503u);
  send("y", 2);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, not_sent);
  EXPECT_EQ(answer(0, answered(200, R"({"data":{"id":"c1"}})")).outcome, sent);
  EXPECT_TRUE(stopped);
  EXPECT_FALSE(engine.only<engine::link_state>().up);
}

TEST(PlainText, ComesBackAsItWent) {
  for (const std::string text : {"", "hello", "hé{}€", "\xF0\x9F\x98\x80 \xD0\x9F"}) {
    const auto c = from_plain_text(text, "carrier:x", "+1555", "Shop");
    const auto back = to_plain_text(*c);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(back->text, text);
    EXPECT_EQ(c->source.value, "1555");
    EXPECT_EQ(c->source.type, 1);
    EXPECT_EQ(c->destination.type, 5);
  }
}

}  // namespace
}  // namespace msgkit::app::test
