#include "connectors/web_clients.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "connector_fixture.hpp"
#include "connectors/webhook_signature.hpp"

namespace msgkit::app::test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum engine::attempt_outcome;

struct rest_recorder final : web_client_observer {
  void on_rest(const std::string&, std::chrono::milliseconds rest) override { rests.push_back(rest); }
  std::vector<std::chrono::milliseconds> rests;
};

class WebClients : public ConnectorTest {
 protected:
  struct call {
    outbound_request request;
    http_client::handler done;
  };

  void start(web_client c = {.name = "web", .url = "https://app/hook", .secrets = {"s1"}}) {
    webs.emplace(
        loop.executor(), engine, options,
        [this](outbound_request r, http_client::handler done) {
          if (is_full) return false;
          calls.push_back({std::move(r), std::move(done)});
          return true;
        },
        seen);
    webs->set_clients({std::move(c)});
    loop.settle();
    link = engine.only<engine::link_state>();
  }
  void send(std::uint32_t attempt = 1) {
    engine.act(make_send(link.link, "hello", attempt));
    loop.settle();
  }
  engine::attempt_result answer(unsigned status, std::string location = {}) {
    outbound_answer a{.outcome = exchange_outcome::answered, .status = status};
    if (!location.empty()) a.fields.push_back({"Location", std::move(location)});
    return answer(std::move(a));
  }
  engine::attempt_result answer(outbound_answer a) {
    calls.back().done(std::move(a));
    loop.settle();
    return engine.only<engine::attempt_result>();
  }

  web_client_options options;
  std::shared_ptr<rest_recorder> seen = std::make_shared<rest_recorder>();
  std::vector<call> calls;
  bool is_full = false;
  std::optional<web_clients> webs;
  engine::link_state link;
};

TEST_F(WebClients, SignsWhatItSendsAndNamesTheMessage) {
  start();
  send();
  ASSERT_THAT(calls, SizeIs(1));
  const auto& r = calls[0].request;
  EXPECT_EQ(r.url, "https://app/hook");
  EXPECT_TRUE(r.guard.public_only);
  EXPECT_EQ(r.redirects_max, 0u);
  http_request received;
  received.fields = r.fields;
  received.body = r.body;
  EXPECT_EQ(received.header("Webhook-Id"), engine::message_id{42}.text());
  EXPECT_TRUE(received.header("Authorization").empty());
  const signature_options check{.recipe = signature_recipe::hmac_sha256, .secrets = {"s1"}};
  EXPECT_EQ(verify_webhook(check, received, driver_clock::wall_now()), signature_verdict::good);
  const auto body = nlohmann::json::parse(r.body);
  EXPECT_EQ(body["event"], "message.received");
  EXPECT_EQ(body["from"], "+46709999999");
  EXPECT_EQ(body["to"], "+46700000001");
  EXPECT_EQ(body["text"], "hello");
}

TEST_F(WebClients, JudgesTheAnswer) {
  options.failures_max = 100;
  start({.name = "web", .url = "https://app/hook", .retries = 100});
  const std::pair<unsigned, engine::attempt_outcome> rows[] = {
      {200, delivered}, {204, delivered}, {302, temporary}, {404, temporary}, {500, temporary}, {503, temporary},
      {408, temporary}, {429, throttled}, {400, permanent}, {410, permanent}, {413, permanent}, {422, permanent}};
  for (const auto& [status, expected] : rows) {
    send();
    EXPECT_EQ(answer(status).outcome, expected) << status;
  }
  send();
  EXPECT_EQ(answer({.outcome = exchange_outcome::refused, .error = "not public"}).outcome, permanent);
  send();
  EXPECT_EQ(answer({.outcome = exchange_outcome::no_answer}).outcome, temporary);
  send();
  EXPECT_EQ(answer({.outcome = exchange_outcome::too_large, .status = 200}).outcome, delivered);
}

TEST_F(WebClients, FollowsNoRedirect) {
  start();
  send();
  EXPECT_EQ(answer(307, "http://169.254.169.254/").outcome, temporary);
  EXPECT_THAT(calls, SizeIs(1));
}

TEST_F(WebClients, GivesUpAfterTheClientsRetries) {
  options.failures_max = 100;
  start({.name = "web", .url = "https://app/hook", .retries = 2});
  for (const auto expected : {temporary, temporary, permanent}) {
    send();
    EXPECT_EQ(answer(500).outcome, expected);
  }
}

TEST_F(WebClients, LeavesAFailingUrlAloneThenTriesWithOneRequest) {
  options.failures_max = 2;
  options.rest_initial = 1s;
  start();
  for (int i = 0; i < 2; ++i) {
    send();
    (void)answer(500);
  }
  EXPECT_EQ(seen->rests, std::vector{1000ms});
  send();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, throttled);
  EXPECT_THAT(calls, SizeIs(2));
  loop.run_for(1s);
  send();
  send();
  EXPECT_THAT(calls, SizeIs(3));  // the second waits for what becomes of the first
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, throttled);
  EXPECT_EQ(answer(500).outcome, temporary);
  EXPECT_EQ(seen->rests, (std::vector{1000ms, 2000ms}));
  loop.run_for(2s);
  send();
  EXPECT_EQ(answer(200).outcome, delivered);
  send();
  EXPECT_THAT(calls, SizeIs(5));
}

TEST_F(WebClients, ANumbersWebhookIsUsedBeforeTheClients) {
  start({.name = "web",
         .url = "https://app/hook",
         .numbers = {{"46700000001", {.url = "https://other/x", .tag = "t", .group = "g"}}}});
  send();
  EXPECT_EQ(calls.at(0).request.url, "https://other/x");
  const auto body = nlohmann::json::parse(calls[0].request.body);
  EXPECT_EQ(body["tag"], "t");
  EXPECT_EQ(body["group"], "g");
}

TEST_F(WebClients, MessagesWaitWhileThereIsNoWebhook) {
  start({.name = "web"});
  EXPECT_TRUE(link.up);
  EXPECT_EQ(link.capacity, 0u);
  webs->set_clients({{.name = "web", .url = "https://app/hook"}});
  loop.settle();
  EXPECT_EQ(engine.only<engine::link_state>().capacity, 8u);
}

TEST_F(WebClients, ARemovedClientGoesWhenItsLastRequestHasEnded) {
  start();
  send();
  webs->set_clients({});
  loop.settle();
  EXPECT_EQ(engine.only<engine::link_state>().capacity, 0u);
  EXPECT_EQ(answer(200).outcome, delivered);
  EXPECT_FALSE(engine.only<engine::link_state>().up);
  send();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, not_sent);
}

TEST_F(WebClients, StopsWhenNothingIsUnderWay) {
  start();
  send();
  bool stopped = false;
  webs->stop([&] { stopped = true; });
  loop.settle();
  EXPECT_FALSE(stopped);
  EXPECT_EQ(answer({.outcome = exchange_outcome::canceled}).outcome, not_sent);
  EXPECT_TRUE(stopped);
}

TEST_F(WebClients, AFullHttpClientCostsNoAttempt) {
  start();
  is_full = true;
  send();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, not_sent);
}

TEST(WebhookBody, TellsAReceiptInTheClientsFormat) {
  engine::message_content c;
  c.kind = engine::message_kind::receipt;
  c.source = {1, 1, "46700000001"};  // whom the message was for
  c.destination = {1, 1, "15550001"};
  auto& r = c.receipt.emplace();
  r.receipt_of = engine::message_id{7};
  r.state = engine::message_state::undelivered;
  r.error_code = 30003;
  const auto read = [&](webhook_format f) {
    return nlohmann::json::parse(*webhook_body(f, engine::message_id{9}, c, "", "", wall_time{std::chrono::hours{1}}));
  };
  const auto generic = read(webhook_format::generic);
  EXPECT_EQ(generic["event"], "message.finalized");
  EXPECT_EQ(generic["id"], engine::message_id{7}.text());
  EXPECT_EQ(generic["from"], "+15550001");
  EXPECT_EQ(generic["status"], "undelivered");
  EXPECT_EQ(generic["error_code"], 30003);
  EXPECT_EQ(generic["timestamp"], "1970-01-01T01:00:00.000Z");
  const auto telnyx = read(webhook_format::telnyx)["data"];
  EXPECT_EQ(telnyx["event_type"], "message.finalized");
  EXPECT_EQ(telnyx["payload"]["id"], engine::message_id{7}.text());
  EXPECT_EQ(telnyx["payload"]["to"][0]["status"], "delivery_failed");
  EXPECT_EQ(telnyx["payload"]["errors"][0]["code"], "30003");
  EXPECT_EQ(read(webhook_format::bicom), generic);
}

TEST(WebhookBody, TellsATextInTheClientsFormat) {
  const auto c = *make_send(1, "hi").content;
  const auto telnyx =
      nlohmann::json::parse(*webhook_body(webhook_format::telnyx, engine::message_id{9}, c, "", "", wall_time{}));
  EXPECT_EQ(telnyx["data"]["event_type"], "message.received");
  EXPECT_EQ(telnyx["data"]["payload"]["from"]["phone_number"], "+46709999999");
  EXPECT_EQ(telnyx["data"]["payload"]["to"][0]["phone_number"], "+46700000001");
  EXPECT_EQ(telnyx["data"]["payload"]["text"], "hi");
  EXPECT_EQ(*webhook_body(webhook_format::bicom, engine::message_id{9}, c, "", "", wall_time{}),
            R"({"from":"+46709999999","text":"hi","to":"+46700000001"})");
}

TEST(WebhookBody, BinaryContentHasNone) {
  auto c = *make_send(1, "hi").content;
  c.coding = 4;
  EXPECT_FALSE(webhook_body(webhook_format::generic, engine::message_id{9}, c, "", "", wall_time{}));
}

}  // namespace
}  // namespace msgkit::app::test
