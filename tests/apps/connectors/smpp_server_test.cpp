// The way in: what clients are answered, and how messages reach them.
#include "connectors/smpp_server.hpp"

#include "smpp_server_fixture.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace msgkit::app::test;

// ---- binds

TEST_F(SmppServer, WrongPasswordIsRefused) {
  serve();
  dial(peer, "guess");
  EXPECT_EQ(peer->bound, 0u);
  EXPECT_EQ(peer->refused, command_status::invalid_password);
  EXPECT_TRUE(engine.events.empty());
}

TEST_F(SmppServer, BindsBeyondTheLimitAreThrottled) {
  serve({.binds_max = 1});
  bind();
  const auto second = std::make_shared<esme>();
  dial(second);
  EXPECT_EQ(second->refused, command_status::throttled);
}

TEST_F(SmppServer, AModeThatIsNotAllowedIsRefused) {
  serve({.allow_receiver = false});
  dial(peer);
  EXPECT_EQ(peer->refused, command_status::bind_failed);
}

TEST_F(SmppServer, TransmittersSubmitAndReceiversAreLinks) {
  serve();
  const auto tx = std::make_shared<esme>(), rx = std::make_shared<esme>();
  c = dial(tx, "secret", smpp::bind_mode::transmitter);
  EXPECT_TRUE(engine.take<engine::link_state>().empty());
  const auto receiver = dial(rx, "secret", smpp::bind_mode::receiver);
  const auto up = engine.only<engine::link_state>();
  EXPECT_TRUE(up.up);
  EXPECT_EQ(up.endpoint, "client:alice");
  submit();
  EXPECT_EQ(engine.only<engine::submit>().content->account, "client:alice");
  engine.act(make_send(up.link, "for you"));
  loop.run_for(100ms);
  EXPECT_EQ(rx->texts, std::vector<std::string>{"for you"});
  EXPECT_TRUE(tx->texts.empty());
}

TEST_F(SmppServer, ReceiversMayNotSubmit) {
  serve();
  c = dial(peer, "secret", smpp::bind_mode::receiver);
  EXPECT_FALSE(c->request(smpp::submit_sm{.destination_addr = "1", .short_message = "x"}));
}

// ---- submits

TEST_F(SmppServer, AnswersASubmitWhenTheEngineHasIt) {
  serve();
  bind();
  submit();
  const auto s = engine.only<engine::submit>();
  EXPECT_EQ(as_text(s.content->body), "hello");
  loop.run_for(30s);
  EXPECT_TRUE(peer->outcomes.empty());
  engine.act(engine::accepted{s.token, engine::message_id{42}});
  loop.run_for(100ms);
  ASSERT_EQ(peer->outcomes.size(), 1u);
  EXPECT_FALSE(peer->outcomes[0]);
  EXPECT_EQ(peer->ids[0], engine::message_id{42}.text());
}

TEST_F(SmppServer, RefusalsHaveTheirStatus) {
  const std::pair<engine::refusal, command_status> table[] = {
      {engine::refusal::store_unavailable, command_status::system_error},
      {engine::refusal::queue_full, command_status::message_queue_full},
      {engine::refusal::no_route, command_status::invalid_destination_address},
      {engine::refusal::expired, command_status::invalid_expiry},
      {engine::refusal::invalid, command_status::invalid_message_length},
  };
  serve();
  bind();
  for (const auto& [reason, status] : table) {
    submit();
    engine.act(engine::refused{engine.only<engine::submit>().token, reason});
    loop.run_for(100ms);
    ASSERT_FALSE(peer->outcomes.empty());
    EXPECT_EQ(peer->outcomes.back(), status) << name(reason);
  }
}

TEST_F(SmppServer, AnAccountSendsFromItsOwnOnly) {
  serve({.senders = std::set<std::string, std::less<>>{"15550001", "Shop"}});
  bind();
  const std::pair<const char*, bool> table[] = {{"15550001", true}, {"+15550001", true}, {"Shop", true},
                                                {"15550002", false}, {"1555000", false},  {"", false}};
  for (const auto& [source, is_its_own] : table) {
    submit({.source_addr = source, .destination_addr = "46700000001", .short_message = "x"});
    EXPECT_EQ(engine.take<engine::submit>().size(), is_its_own ? 1u : 0u) << source;
    if (is_its_own) continue;
    ASSERT_FALSE(peer->outcomes.empty());
    EXPECT_EQ(peer->outcomes.back(), command_status::invalid_source_address) << source;
  }
}

TEST_F(SmppServer, ThrottlesWhileTheInboxIsFull) {
  serve();
  bind();
  engine.is_full = true;
  submit();
  ASSERT_EQ(peer->outcomes.size(), 1u);
  EXPECT_EQ(peer->outcomes[0], command_status::throttled);
  engine.is_full = false;
  submit();
  EXPECT_EQ(engine.take<engine::submit>().size(), 1u);
}

TEST_F(SmppServer, AnswersAfterTheClientHasGoneHarmNobody) {
  serve();
  bind();
  submit();
  const auto s = engine.only<engine::submit>();
  network.reset(network.lines_of("esme").front());
  loop.run_for(1s);
  engine.act(engine::accepted{s.token, engine::message_id{42}});
  engine.act(engine::accepted{s.token, engine::message_id{42}});  // a token counts once
  loop.run_for(1s);
  EXPECT_FALSE(engine.only<engine::link_state>().up);
}

// The client leaves while the engine still commits: it is answered first.
TEST_F(SmppServer, AnUnbindWaitsForTheAnswer) {
  serve();
  bind();
  submit();
  c->stop();
  loop.run_for(1s);
  engine.act(engine::accepted{engine.only<engine::submit>().token, engine::message_id{42}});
  loop.run_for(1s);
  ASSERT_EQ(peer->outcomes.size(), 1u);
  EXPECT_FALSE(peer->outcomes[0]) << peer->outcomes[0].message();
}

// ---- deliveries

TEST_F(SmppServer, DeliversAndReportsTheAnswer) {
  serve();
  bind();
  engine.act(make_send(link, "hello"));
  loop.run_for(100ms);
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.id, engine::message_id{42});
  EXPECT_EQ(r.outcome, engine::attempt_outcome::delivered);
  EXPECT_EQ(peer->texts, std::vector<std::string>{"hello"});
}

TEST_F(SmppServer, RefusedDeliveriesSayHow) {
  serve();
  bind();
  peer->statuses = {command_status::receiver_temporary_error, command_status::receiver_permanent_error};
  for (const auto expected : {engine::attempt_outcome::temporary, engine::attempt_outcome::permanent}) {
    engine.act(make_send(link, "hello"));
    loop.run_for(100ms);
    EXPECT_EQ(engine.only<engine::attempt_result>().outcome, expected);
  }
}

TEST_F(SmppServer, ADeliveryWithoutAnAnswerIsReportedWhenItsTimeIsOver) {
  serve();
  bind();
  peer->answers = false;
  engine.act(make_send(link, "hello"));
  loop.run_for(5'100ms);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::unknown);
}

TEST_F(SmppServer, ALinkThatIsGoneTakesNothing) {
  serve();
  bind();
  engine.act(make_send(link + 1, "hello"));
  loop.run_for(100ms);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::not_sent);
}

TEST_F(SmppServer, PartsBeyondTheWindowWaitForRoom) {
  serve({.profile = {.long_messages = smpp::long_message_method::udh8}}, 2);
  bind();
  peer->answers = false;
  engine.act(make_send(link, long_text(5)));
  loop.run_for(1s);
  EXPECT_EQ(peer->texts.size(), 2u);
  for (std::size_t i = 0; i < 5; ++i) {
    ASSERT_LT(i, peer->sequences.size());
    ASSERT_TRUE(c->respond(peer->sequences[i], smpp::deliver_sm_resp{}));
    loop.run_for(100ms);
  }
  EXPECT_EQ(peer->texts.size(), 5u);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
}

TEST_F(SmppServer, TheAccountsWindowCountsParts) {
  serve({.deliver_window = 3, .profile = {.long_messages = smpp::long_message_method::udh8}});
  bind();
  peer->answers = false;
  engine.act(make_send(link, long_text(5)), make_send(link, "short"));
  loop.run_for(1s);
  EXPECT_EQ(peer->texts.size(), 3u);
}

// A part that the client has acknowledged is not sent again because another one failed.
TEST_F(SmppServer, AcknowledgedPartsAreKept) {
  serve({.profile = {.long_messages = smpp::long_message_method::udh8}});
  bind();
  peer->statuses = {command_status::ok, command_status::receiver_temporary_error};
  engine.act(make_send(link, long_text(3)));
  loop.run_for(100ms);
  const auto failed = engine.only<engine::attempt_result>();
  EXPECT_EQ(failed.outcome, engine::attempt_outcome::temporary);
  ASSERT_EQ(failed.segments.size(), 3u);
  EXPECT_TRUE(failed.segments[0].accepted);
  EXPECT_FALSE(failed.segments[1].accepted);
  EXPECT_TRUE(failed.segments[2].accepted);

  auto again = make_send(link, long_text(3), 2);
  for (const auto& s : failed.segments) again.segments.push_back({.accepted = s.accepted});
  engine.act(std::move(again));
  loop.run_for(100ms);
  EXPECT_EQ(peer->texts.size(), 4u);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
}

// While a client leaves it gets nothing new, but what it answers still counts.
TEST_F(SmppServer, ALeavingClientsAnswersCount) {
  serve({.deliver_window = 1});
  bind();
  peer->answers = false;
  submit();  // keeps the session open until the engine has answered
  engine.act(make_send(link, "first"), make_send(link, "second"));
  loop.run_for(100ms);
  ASSERT_EQ(peer->texts.size(), 1u);
  c->stop();
  loop.run_for(100ms);
  const auto paused = engine.only<engine::link_state>();
  EXPECT_TRUE(paused.up);
  EXPECT_EQ(paused.capacity, 0u);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::not_sent);  // the second
  ASSERT_TRUE(c->respond(peer->sequences[0], smpp::deliver_sm_resp{}));
  loop.run_for(100ms);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
  engine.act(engine::accepted{engine.only<engine::submit>().token, engine::message_id{1}});
  loop.run_for(1s);
  EXPECT_FALSE(engine.only<engine::link_state>().up);
}

TEST_F(SmppServer, ResultsComeBeforeTheLinkGoesDown) {
  serve({.deliver_window = 1});
  bind();
  peer->answers = false;
  engine.act(make_send(link, "on the wire"), make_send(link, "waiting"));
  loop.run_for(100ms);
  network.reset(network.lines_of("esme").front());
  loop.run_for(1s);
  ASSERT_EQ(engine.events.size(), 3u);
  EXPECT_EQ(std::get<engine::attempt_result>(engine.events[0]).outcome, engine::attempt_outcome::unknown);
  EXPECT_EQ(std::get<engine::attempt_result>(engine.events[1]).outcome, engine::attempt_outcome::not_sent);
  EXPECT_FALSE(std::get<engine::link_state>(engine.events[2]).up);
}

// ---- ends

TEST_F(SmppServer, DrainingTakesNoMoreMessages) {
  serve();
  bind();
  server->drain();
  loop.settle();
  submit();
  ASSERT_EQ(peer->outcomes.size(), 1u);
  EXPECT_EQ(peer->outcomes[0], command_status::system_error);
}

TEST_F(SmppServer, StopTellsWhenEverybodyHasLeft) {
  serve();
  bind();
  bool stopped = false;
  server->stop([&] { stopped = true; });
  ASSERT_TRUE(loop.run_until([&] { return stopped; }, 10s));
  EXPECT_FALSE(c->is_bound());
}

TEST_F(SmppServer, AccountsThatAreGoneAreUnbound) {
  serve();
  bind();
  server->set_accounts({});
  loop.run_for(10s);
  EXPECT_FALSE(c->is_bound());
}
