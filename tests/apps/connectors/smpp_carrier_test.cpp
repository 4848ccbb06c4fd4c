// The way out: messages to a carrier part by part, its receipts and messages back.
#include "connectors/smpp_carrier.hpp"

#include "connector_fixture.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace msgkit::app::test;
using smpp::command_status;

namespace {

struct centre final : smpp::server_handler {
  void on_connected(smpp::connection& c) override { connections.push_back(c.shared_from_this()); }
  void on_bind(smpp::connection& c, const smpp::pdu&) override { (void)c.accept_bind("centre"); }
  void on_request(smpp::connection& c, const smpp::pdu& m) override {
    const auto& s = std::get<smpp::submit_sm>(m);
    texts.emplace_back(s.short_message);
    registered.push_back(s.registered_delivery);
    validity.emplace_back(s.validity_period);
    destinations.emplace_back(s.destination_addr);
    sequences.push_back(m.head.sequence);
    if (answers) answer(c, m.head.sequence);
  }
  void answer(smpp::connection& c, std::uint32_t sequence) {
    const auto status = statuses.empty() ? command_status::ok : statuses.front();
    if (!statuses.empty()) statuses.pop_front();
    if (status != command_status::ok) return void(c.reject(sequence, status));
    const auto id = std::to_string(++last_id);
    (void)c.respond(sequence, smpp::submit_sm_resp{.message_id = id});
  }
  void on_outcome(smpp::connection&, const smpp::outcome& o) override { outcomes.push_back(o.error); }
  void on_closed(smpp::connection& c, std::error_code) override {
    std::erase_if(connections, [&](const auto& each) { return each.get() == &c; });
  }
  std::vector<std::shared_ptr<smpp::connection>> connections;
  bool answers = true;
  std::deque<command_status> statuses;
  int last_id = 0;
  std::vector<std::string> texts, validity, destinations;
  std::vector<std::uint8_t> registered;
  std::vector<std::uint32_t> sequences;
  std::vector<std::error_code> outcomes;
};

class SmppCarrier : public ConnectorTest {
 protected:
  void connect(std::function<void(smpp_carrier_options&)> change = {}) {
    mc = std::make_unique<smpp::server>(loop.executor(), smpp::server_options{}, far);
    network.listen("centre", [this](std::shared_ptr<stream> s) {
      ++dials;
      mc->adopt(std::move(s));
    });
    smpp_carrier_options o;
    o.name = "up1";
    o.client.dial = [this](connector::handler done) { network.dial("gateway", "centre", std::move(done)); };
    o.client.connection.session.response_timeout = 5s;
    o.client.reconnect_backoff = {.initial = 100ms, .maximum = 100ms};
    o.client.reconnect_seed = 1;
    if (change) change(o);
    carrier = std::make_unique<smpp_carrier>(loop.executor(), engine, o, std::make_shared<smpp_carrier_observer>());
    carrier->start();
    loop.run_for(100ms);
    const auto ups = engine.take<engine::link_state>();
    ASSERT_FALSE(ups.empty());
    link = ups.front().link;
    EXPECT_EQ(ups.front().endpoint, "carrier:up1");
  }
  void send(std::string text) {
    engine.act(make_send(link, std::move(text)));
    loop.run_for(100ms);
  }
  smpp::connection& peer() { return *far->connections.front(); }
  void TearDown() override {
    if (carrier) carrier->stop([] {});
    loop.run_for(30s);
    carrier.reset();
    loop.settle();
    far->connections.clear();
  }

  std::shared_ptr<centre> far = std::make_shared<centre>();
  std::unique_ptr<smpp::server> mc;
  std::unique_ptr<smpp_carrier> carrier;
  std::uint64_t link = 0;
  int dials = 0;
};

constexpr smpp::deliver_sm receipt{.source_addr = "46700000001", .destination_addr = "46709999999",
                                   .esm_class = smpp::esm::delivery_receipt,
                                   .short_message = "id:77 sub:001 dlvrd:001 submit date:2609210000 done date:2609210001 "
                                                    "stat:DELIVRD err:000 text:"};
constexpr smpp::deliver_sm mobile{.source_addr = "46700000001", .destination_addr = "88123", .short_message = "hi"};

}  // namespace

// ---- messages to the carrier

TEST_F(SmppCarrier, SubmitsAndReportsTheCarriersId) {
  connect();
  send("hello");
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, engine::attempt_outcome::sent);
  ASSERT_EQ(r.segments.size(), 1u);
  EXPECT_EQ(r.segments[0].carrier_id, "1");
  EXPECT_TRUE(r.segments[0].receipt_expected);
  EXPECT_EQ(far->texts, std::vector<std::string>{"hello"});
}

TEST_F(SmppCarrier, StatusesBecomeOutcomes) {
  const std::pair<command_status, engine::attempt_outcome> table[] = {
      {command_status::throttled, engine::attempt_outcome::throttled},
      {command_status::message_queue_full, engine::attempt_outcome::throttled},
      {command_status::system_error, engine::attempt_outcome::temporary},
      {command_status::invalid_bind_status, engine::attempt_outcome::temporary},
      {command_status::invalid_destination_address, engine::attempt_outcome::permanent},
      {command_status::submit_failed, engine::attempt_outcome::permanent},
      {static_cast<command_status>(0x0555), engine::attempt_outcome::permanent},
  };
  connect([](smpp_carrier_options& o) { o.rate.follows_peer = false; });
  for (const auto& [status, outcome] : table) {
    far->statuses = {status};
    send("hello");
    const auto r = engine.only<engine::attempt_result>();
    EXPECT_EQ(r.outcome, outcome) << status_name(status);
    EXPECT_EQ(r.code, static_cast<std::uint32_t>(status));
  }
}

TEST_F(SmppCarrier, NoAnswerMeansUnknown) {
  connect();
  far->answers = false;
  send("hello");
  loop.run_for(5s);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::unknown);
}

TEST_F(SmppCarrier, KeepsToTheWindow) {
  connect([](smpp_carrier_options& o) { o.client.connection.session.window_size = 2; });
  far->answers = false;
  engine.act(make_send(link, "a"), make_send(link, "b"), make_send(link, long_text(3)));
  loop.run_for(100ms);
  EXPECT_EQ(far->texts.size(), 2u);
  far->answer(peer(), far->sequences[0]);
  loop.run_for(100ms);
  EXPECT_EQ(far->texts.size(), 3u);
}

TEST_F(SmppCarrier, KeepsToThePaceOverAllBinds) {
  connect([](smpp_carrier_options& o) {
    o.binds = 2;
    o.rate.per_second = 10;
  });
  for (int i = 0; i < 30; ++i) engine.act(make_send(link, "x"));
  loop.run_for(1s);
  EXPECT_GE(far->texts.size(), 10u);
  EXPECT_LE(far->texts.size(), 12u);
  loop.run_for(2s);
  EXPECT_EQ(far->texts.size(), 30u);
}

TEST_F(SmppCarrier, SlowsDownWhenTheCarrierAsksAndSpeedsUpAgain) {
  connect([](smpp_carrier_options& o) {
    o.binds = 2;
    o.rate.per_second = 100;
  });
  far->statuses = {command_status::throttled};
  send("refused");
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::throttled);
  for (int i = 0; i < 200; ++i) engine.act(make_send(link, "x"));
  loop.run_for(800ms);
  EXPECT_EQ(far->texts.size(), 1u) << "a complaint pauses every bind";
  loop.run_for(1s);
  EXPECT_GT(far->texts.size(), 20u);
  EXPECT_LT(far->texts.size(), 70u) << "then half of the pace";
  loop.run_for(5s);
  EXPECT_EQ(far->texts.size(), 201u);
}

TEST_F(SmppCarrier, SubmitFailedIsACongestionWhereTheProfileSaysSo) {
  connect([](smpp_carrier_options& o) { o.client.connection.session.profile.submit_failed_is_congestion = true; });
  far->statuses = {command_status::submit_failed};
  send("x");
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::throttled);
}

TEST_F(SmppCarrier, NumbersAreWrittenAsTheCarrierWantsThem) {
  connect([](smpp_carrier_options& o) {
    o.client.connection.session.profile.numbers = smpp::number_prefix::plus;
  });
  auto order = make_send(link, "x");
  auto content = std::make_shared<engine::message_content>(*order.content);
  content->destination.value = "4712345678";
  content->destination.type = 1;
  order.content = content;
  engine.act(order);
  loop.run_for(100ms);
  EXPECT_EQ(far->destinations.back(), "+4712345678");
}

TEST_F(SmppCarrier, PartsThatWereAcceptedSurviveALostBind) {
  connect([](smpp_carrier_options& o) { o.client.connection.session.window_size = 2; });
  far->answers = false;
  send(long_text(4));
  far->answer(peer(), far->sequences[0]);
  loop.run_for(100ms);
  ASSERT_EQ(far->texts.size(), 3u);
  network.reset(network.lines_of("centre").front());
  loop.run_for(50ms);
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, engine::attempt_outcome::unknown);
  ASSERT_EQ(r.segments.size(), 4u);
  EXPECT_TRUE(r.segments[0].accepted);
  EXPECT_EQ(r.segments[0].carrier_id, "1");
  for (std::size_t i = 1; i < 4; ++i) EXPECT_FALSE(r.segments[i].accepted) << i;
}

TEST_F(SmppCarrier, AcceptedPartsAreNotSentAgain) {
  connect();
  auto order = make_send(link, long_text(3), 2);
  order.segments = {{.accepted = true, .carrier_id = "a"}, {}, {.accepted = true, .carrier_id = "c"}};
  engine.act(std::move(order));
  loop.run_for(100ms);
  EXPECT_EQ(far->texts.size(), 1u);
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, engine::attempt_outcome::sent);
  EXPECT_EQ(r.segments[0].carrier_id, "a");
  EXPECT_EQ(r.segments[1].carrier_id, "1");
  EXPECT_EQ(r.segments[2].carrier_id, "c");
}

TEST_F(SmppCarrier, APartThatFailsStopsTheRest) {
  connect([](smpp_carrier_options& o) { o.client.connection.session.window_size = 1; });
  far->statuses = {command_status::ok, command_status::invalid_destination_address};
  send(long_text(4));
  EXPECT_EQ(far->texts.size(), 2u);
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, engine::attempt_outcome::permanent);
  EXPECT_TRUE(r.segments[0].accepted);
}

TEST_F(SmppCarrier, WhatWaitedWhenTheBindWentWasNotSent) {
  connect([](smpp_carrier_options& o) { o.client.connection.session.window_size = 1; });
  far->answers = false;
  engine.act(make_send(link, "on the wire"), make_send(link, "waiting"));
  loop.run_for(100ms);
  network.reset(network.lines_of("centre").front());
  loop.run_for(50ms);
  ASSERT_GE(engine.events.size(), 3u);
  EXPECT_EQ(std::get<engine::attempt_result>(engine.events[0]).outcome, engine::attempt_outcome::unknown);
  EXPECT_EQ(std::get<engine::attempt_result>(engine.events[1]).outcome, engine::attempt_outcome::not_sent);
  EXPECT_FALSE(std::get<engine::link_state>(engine.events[2]).up);
}

TEST_F(SmppCarrier, AnOldLinkTakesNothing) {
  connect();
  network.reset(network.lines_of("centre").front());
  loop.run_for(1s);
  const auto states = engine.take<engine::link_state>();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_FALSE(states[0].up);
  EXPECT_TRUE(states[1].up);
  EXPECT_NE(states[1].link, link);
  send("to the old one");
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::not_sent);
}

TEST_F(SmppCarrier, TellsHowLongTheMessageIsStillValid) {
  connect();
  auto order = make_send(link, "hello");
  auto content = *order.content;
  content.valid_until = order.valid_until = loop.clock().wall() + 90min;
  order.content = std::make_shared<engine::message_content>(content);
  engine.act(std::move(order));
  loop.run_for(100ms);
  EXPECT_EQ(far->validity, std::vector<std::string>{"000000013000000R"});
}

TEST_F(SmppCarrier, AsksForReceiptsByPolicy) {
  connect([](smpp_carrier_options& o) { o.receipts = receipt_policy::requested; });
  send("without");
  EXPECT_FALSE(engine.only<engine::attempt_result>().segments[0].receipt_expected);
  EXPECT_EQ(far->registered, std::vector<std::uint8_t>{0});
}

// ---- from the carrier

TEST_F(SmppCarrier, AReceiptIsAcknowledgedWhenTheEngineHasIt) {
  connect();
  ASSERT_TRUE(peer().request(receipt));
  loop.run_for(1s);
  EXPECT_TRUE(far->outcomes.empty());
  const auto r = engine.only<engine::report>();
  EXPECT_EQ(r.endpoint, "carrier:up1");
  EXPECT_EQ(r.carrier_id, "77");
  EXPECT_EQ(r.state, engine::message_state::delivered);
  engine.act(engine::report_done{r.token});
  loop.run_for(1s);
  ASSERT_EQ(far->outcomes.size(), 1u);
  EXPECT_FALSE(far->outcomes[0]);
}

TEST_F(SmppCarrier, ARefusedReceiptComesAgainLater) {
  connect();
  ASSERT_TRUE(peer().request(receipt));
  loop.run_for(100ms);
  engine.act(engine::refused{engine.only<engine::report>().token, engine::refusal::store_unavailable});
  loop.run_for(100ms);
  engine.is_full = true;
  ASSERT_TRUE(peer().request(receipt));
  loop.run_for(100ms);
  ASSERT_EQ(far->outcomes.size(), 2u);
  for (const auto& each : far->outcomes) EXPECT_EQ(each, command_status::receiver_temporary_error);
}

TEST_F(SmppCarrier, AReceiptNobodyCanReadIsAcknowledged) {
  connect();
  ASSERT_TRUE(peer().request(smpp::deliver_sm{.destination_addr = "1", .esm_class = smpp::esm::delivery_receipt,
                                              .short_message = "what is this"}));
  loop.run_for(100ms);
  ASSERT_EQ(far->outcomes.size(), 1u);
  EXPECT_FALSE(far->outcomes[0]);
  EXPECT_TRUE(engine.events.empty());
}

TEST_F(SmppCarrier, MessagesOfTheCarrierAreSubmitted) {
  connect();
  ASSERT_TRUE(peer().request(mobile));
  loop.run_for(100ms);
  const auto s = engine.only<engine::submit>();
  EXPECT_EQ(s.content->account, "carrier:up1");
  EXPECT_EQ(s.content->destination.value, "88123");
  EXPECT_TRUE(far->outcomes.empty());
  engine.act(engine::accepted{s.token, engine::message_id{1}});
  loop.run_for(100ms);
  ASSERT_EQ(far->outcomes.size(), 1u);
  EXPECT_FALSE(far->outcomes[0]);
}

// There is no way to send a message centre a receipt for its own message.
TEST_F(SmppCarrier, MessagesOfTheCarrierGetNoReceipts) {
  connect();
  auto m = mobile;
  m.registered_delivery = smpp::registered::final_receipt;
  ASSERT_TRUE(peer().request(m));
  loop.run_for(100ms);
  EXPECT_EQ(engine.only<engine::submit>().content->receipt_wanted, 0);
}

TEST_F(SmppCarrier, AnAnswerDoesNotGoToALaterConnection) {
  connect();
  ASSERT_TRUE(peer().request(mobile));
  loop.run_for(100ms);
  const auto s = engine.only<engine::submit>();
  network.reset(network.lines_of("centre").front());
  loop.run_for(1s);
  ASSERT_TRUE(peer().request(mobile));  // has the same sequence number on the new connection
  loop.run_for(100ms);
  far->outcomes.clear();
  engine.act(engine::accepted{s.token, engine::message_id{1}});
  loop.run_for(100ms);
  EXPECT_TRUE(far->outcomes.empty());
}

// ---- ends

TEST_F(SmppCarrier, StopUnbindsEveryBind) {
  connect([](smpp_carrier_options& o) { o.binds = 3; });
  EXPECT_EQ(carrier->bound(), 3u);
  bool stopped = false;
  carrier->stop([&] { stopped = true; });
  ASSERT_TRUE(loop.run_until([&] { return stopped; }, 10s));
  EXPECT_EQ(carrier->bound(), 0u);
  EXPECT_TRUE(far->connections.empty());
}

TEST_F(SmppCarrier, OrdersAfterStopAreGivenBack) {
  connect();
  carrier->stop([] {});
  loop.run_for(5s);
  send("too late");
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::not_sent);
}

TEST_F(SmppCarrier, ADestroyedCarrierDoesNotBindAgain) {
  connect();
  carrier.reset();
  loop.run_for(10s);
  const auto before = dials;
  for (const auto line : network.lines_of("centre")) network.reset(line);
  loop.run_for(1min);
  EXPECT_EQ(dials, before);
  EXPECT_TRUE(far->connections.empty());
}
