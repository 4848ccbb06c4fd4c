#include "connectors/web_clients.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "connector_fixture.hpp"
#include "connectors/kannel_report.hpp"
#include "connectors/mms.hpp"
#include "connectors/plain_text.hpp"
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
    report_link = link_of("report:web");
    link = link_of("client:web");
  }
  // The latest word about that endpoint; what was said of others is left.
  engine::link_state link_of(std::string_view endpoint) {
    engine::link_state found;
    EXPECT_GT(std::erase_if(engine.events,
                            [&](const engine::event& e) {
                              const auto* l = std::get_if<engine::link_state>(&e);
                              if (l == nullptr || l->endpoint != endpoint) return false;
                              found = *l;
                              return true;
                            }),
              0u);
    return found;
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
  engine::link_state link, report_link;
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
  EXPECT_EQ(link_of("client:web").capacity, 8u);
}

TEST_F(WebClients, ARemovedClientGoesWhenItsLastRequestHasEnded) {
  start();
  send();
  webs->set_clients({});
  loop.settle();
  EXPECT_EQ(link_of("client:web").capacity, 0u);
  EXPECT_EQ(answer(200).outcome, delivered);
  EXPECT_FALSE(link_of("client:web").up);
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

engine::send report_order(std::uint64_t link, unsigned mask, engine::message_state state) {
  auto order = make_send(link, "");
  auto c = std::make_shared<engine::message_content>(*order.content);
  c->kind = engine::message_kind::receipt;
  c->account = "report:web";
  c->reference = reference_of({.mask = mask, .url = "http://shop/dlr?type=%d&to=%p"});
  c->receipt.emplace().state = state;
  order.content = std::move(c);
  return order;
}

TEST_F(WebClients, AMessagesOwnReportAddressIsAskedAlsoWithoutAWebhook) {
  start({.name = "web", .retries = 1});
  EXPECT_EQ(link.capacity, 0u);
  EXPECT_EQ(report_link.capacity, 8u);
  engine.act(report_order(report_link.link, kannel_delivered, engine::message_state::delivered));
  loop.settle();
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].request.method, "GET");
  EXPECT_EQ(calls[0].request.url, "http://shop/dlr?type=1&to=%2B46709999999");
  EXPECT_TRUE(calls[0].request.guard.public_only);
  EXPECT_EQ(answer(500).outcome, temporary);
  engine.act(report_order(report_link.link, kannel_delivered, engine::message_state::delivered));
  loop.settle();
  EXPECT_EQ(answer(500).outcome, permanent) << "after the client's retries";
}

TEST_F(WebClients, AReportThatNobodyAskedForIsDone) {
  start({.name = "web"});
  engine.act(report_order(report_link.link, kannel_rejected, engine::message_state::undelivered));
  loop.settle();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, delivered);
  EXPECT_THAT(calls, IsEmpty());
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
    return nlohmann::json::parse(*webhook_body(f, engine::message_id{9}, c, {}, wall_time{std::chrono::hours{1}}));
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
      nlohmann::json::parse(*webhook_body(webhook_format::telnyx, engine::message_id{9}, c, {}, wall_time{}));
  EXPECT_EQ(telnyx["data"]["event_type"], "message.received");
  EXPECT_EQ(telnyx["data"]["payload"]["from"]["phone_number"], "+46709999999");
  EXPECT_EQ(telnyx["data"]["payload"]["to"][0]["phone_number"], "+46700000001");
  EXPECT_EQ(telnyx["data"]["payload"]["text"], "hi");
  EXPECT_EQ(*webhook_body(webhook_format::bicom, engine::message_id{9}, c, {}, wall_time{}),
            R"({"from":"+46709999999","text":"hi","to":"+46700000001"})");
}

TEST(WebhookBody, HandsOutTheMediaThatWereMadeToFit) {
  mms_message m{
      .text = "look", .base_url = "https://gw", .media = {{.token = "original", .type = "image/png", .size = 9}}};
  const auto c = mms_content(m, "carrier:a", "1", "2");
  m.media[0] = {.token = "copy", .type = "image/jpeg", .size = 5};
  const auto body = [&](webhook_format format, webhook_extras extras) {
    return nlohmann::json::parse(webhook_body(format, engine::message_id{42}, *c, extras, wall_time{}).value());
  };
  const auto generic = body(webhook_format::generic, {.mms = &m});
  EXPECT_EQ(generic["media"][0]["url"], "https://gw/media/copy.jpg");
  EXPECT_EQ(generic["media"][0]["size"], 5);
  EXPECT_FALSE(generic.contains("media_refused"));
  EXPECT_EQ(body(webhook_format::telnyx, {.mms = &m})["data"]["payload"]["media"][0]["url"], "https://gw/media/copy.jpg");
  EXPECT_EQ(body(webhook_format::bicom, {.mms = &m})["media_urls"][0], "https://gw/media/copy.jpg");
  const auto refused = body(webhook_format::generic, {.media_refused = "gif_too_large: x"});
  EXPECT_EQ(refused["media"][0]["url"], "https://gw/media/original.png");
  EXPECT_EQ(refused["media_refused"], "gif_too_large: x");
}

TEST(WebhookBody, BinaryContentHasNone) {
  auto c = *make_send(1, "hi").content;
  c.coding = 4;
  EXPECT_FALSE(webhook_body(webhook_format::generic, engine::message_id{9}, c, {}, wall_time{}));
}

TEST(WebhookBody, TellsTheSegmentsWhereTheyAreWanted) {
  const auto segments = [](webhook_format f, const std::string& text) {
    const auto c = from_plain_text(text, "carrier:x", "+1555", "+1666");
    const auto j =
        nlohmann::json::parse(*webhook_body(f, engine::message_id{9}, *c, {.raw_segments = true}, wall_time{}));
    return f == webhook_format::telnyx ? j["data"]["payload"]["raw_segments"] : j["raw_segments"];
  };
  EXPECT_EQ(segments(webhook_format::generic, "hi"), nlohmann::json::parse(R"([{"data_coding":0,"octets":"6869"}])"));
  EXPECT_EQ(segments(webhook_format::telnyx, "\xD0\x9F"),
            nlohmann::json::parse(R"([{"data_coding":8,"octets":"041f"}])"));
  const auto cut = segments(webhook_format::generic, std::string(200, 'x'));
  ASSERT_EQ(cut.size(), 2u);
  EXPECT_EQ(cut[1]["udh"], "050003010202");
  EXPECT_EQ(cut[1]["octets"].get<std::string>().size(), 2 * 47u);
  const auto c = from_plain_text("hi", "carrier:x", "+1555", "+1666");
  const auto body = *webhook_body(webhook_format::generic, engine::message_id{9}, *c, {}, wall_time{});
  EXPECT_EQ(body.find("raw_segments"), std::string::npos) << "only where they are wanted";
}

}  // namespace
}  // namespace msgkit::app::test
