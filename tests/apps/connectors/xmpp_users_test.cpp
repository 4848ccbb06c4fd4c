// XMPP users as clients: who is listened to, what they are answered, and how messages and receipts reach them.
#include "connectors/xmpp_users.hpp"

#include "connector_fixture.hpp"
#include "connectors/plain_text.hpp"
#include "libxmppcomp/fake_server.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace msgkit::app::test;
using namespace msgkit::xmppcomp;

namespace {

struct server_end final : stream_handler {
  void on_bytes(bytes_view octets) override {
    server.process(as_text(octets));
    send();
  }
  void on_closed(std::error_code) override {}
  void send(std::string_view xml = {}) {
    server.output += xml;
    transport->write(as_bytes(server.take_output()));
    transport->flush();
  }
  std::shared_ptr<stream> transport;
  fake_server server;
};

class XmppUsers : public ConnectorTest {
 protected:
  XmppUsers() {
    listen();
    options.component.session = test_session_options();
    options.component.dial = [this](connector::handler done) { network.dial("us", "server", std::move(done)); };
    options.component.seed = 1;
    options.users = {{.jid = "Alice@localhost", .name = "alice", .number = "+4711111111"}};
    users = std::make_unique<xmpp_users>(loop.executor(), engine, options, std::make_shared<xmpp_users_observer>());
    users->start();
    EXPECT_TRUE(loop.run_until([this] { return far && far->server.is_open; }, 10s));
    loop.run_for(100ms);
    link = engine.only<engine::link_state>();
  }
  ~XmppUsers() override {
    bool stopped = false;
    users->stop([&] { stopped = true; });
    EXPECT_TRUE(loop.run_until([&] { return stopped; }, 60s));
    users.reset();
    network.shutdown();
    loop.run_for(1s);
  }
  void listen() {
    network.listen("server", [this](std::shared_ptr<stream> s) {
      far = std::make_shared<server_end>();
      far->transport = s;
      far->server.stream_id = std::to_string(++streams);
      s->start(far);
    });
  }
  void chat(std::string_view body, std::string_view from = "alice@localhost/phone",
            std::string_view to = "+4722222222") {
    auto m = make_message(from, std::string(to) + "@sms.localhost", body, "chat", "c1");
    request_receipt(m);
    far->send(to_xml(m));
    loop.run_for(100ms);
  }
  // The only stanza the server got since.
  element got() {
    loop.run_for(200ms);
    EXPECT_EQ(far->server.stanzas.size(), 1u);
    auto found = far->server.stanzas.empty() ? element{} : far->server.stanzas.front();
    far->server.stanzas.clear();
    return found;
  }
  std::string error_got() {
    const auto stanza = got();
    EXPECT_EQ(stanza.get("to"), "alice@localhost/phone");
    EXPECT_EQ(stanza.get("id"), "c1");
    const auto error = parse_stanza_error(stanza);
    return error ? std::string(to_string(error->condition)) : "none";
  }
  engine::send receipt(engine::message_state state, bool intermediate = false) {
    auto s = make_send(link.link, "");
    auto c = std::make_shared<engine::message_content>(*s.content);
    c->kind = engine::message_kind::receipt;
    c->source = {1, 1, "4722222222"};
    c->reference = "alice@localhost/phone\nc1";
    auto& details = c->receipt.emplace();
    details.state = state;
    details.intermediate = intermediate;
    details.error_text = "no credit";
    s.content = c;
    return s;
  }

  xmpp_users_options options;
  std::unique_ptr<xmpp_users> users;
  std::shared_ptr<server_end> far;
  engine::link_state link;
  int streams = 0;
};

}  // namespace

TEST_F(XmppUsers, AChatIsAMessageOfTheUsersAccount) {
  EXPECT_EQ(link.endpoint, "client:alice");
  EXPECT_TRUE(link.up);
  chat("hello");
  const auto submit = engine.only<engine::submit>();
  EXPECT_EQ(submit.content->account, "client:alice");
  EXPECT_EQ(submit.content->source.value, "4711111111");
  EXPECT_EQ(submit.content->destination.value, "4722222222");
  EXPECT_EQ(as_text(submit.content->body), "hello");
  EXPECT_EQ(submit.content->reference, "alice@localhost/phone\nc1");
  engine.act(engine::accepted{submit.token, engine::message_id{1}});
  loop.run_for(100ms);
  EXPECT_TRUE(far->server.stanzas.empty()) << "accepted is not delivered";
}

TEST_F(XmppUsers, AChatThatIsSaidAgainHasTheSameName) {
  chat("hello");
  const auto first = engine.only<engine::submit>();
  chat("hello", "alice@localhost/laptop");
  EXPECT_EQ(engine.only<engine::submit>().extras->duplicate_id, first.extras->duplicate_id);
  chat("other words under the same id");
  EXPECT_NE(engine.only<engine::submit>().extras->duplicate_id, first.extras->duplicate_id);
}

TEST_F(XmppUsers, AContactIsAnsweredFromTheNumberItWroteTo) {
  users->set_users({{.jid = "alice@localhost", .name = "alice", .number = "+4711111111", .numbers = {"+46700000001"}}});
  (void)engine.take<engine::link_state>();
  chat("hello", "alice@localhost/phone", "+46709999999");
  EXPECT_EQ(engine.only<engine::submit>().content->source.value, "4711111111");
  engine.act(make_send(link.link, "from +46709999999 to +46700000001"));
  (void)got();
  (void)engine.take<engine::attempt_result>();
  chat("hello", "alice@localhost/phone", "+46709999999");
  EXPECT_EQ(engine.only<engine::submit>().content->source.value, "46700000001");
  chat("hello", "alice@localhost/phone", "+4722222222");
  EXPECT_EQ(engine.only<engine::submit>().content->source.value, "4711111111");
}

TEST_F(XmppUsers, NobodyElseIsListenedTo) {
  for (const auto* stranger : {"alice@evil.example/phone", "bob@localhost/x", "localhost"}) {
    chat("hello", stranger);
    EXPECT_TRUE(engine.take<engine::submit>().empty());
    EXPECT_EQ(parse_stanza_error(got())->condition, stanza_condition::registration_required) << stranger;
  }
}

TEST_F(XmppUsers, UsersComeAndGo) {
  users->set_users({{.jid = "bob@localhost", .name = "bob", .number = "+4733333333"}});
  loop.run_for(100ms);
  const auto links = engine.take<engine::link_state>();
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[0].endpoint, "client:bob");
  EXPECT_EQ(links[1].link, link.link);
  EXPECT_EQ(links[1].capacity, 0u);
  chat("hello", "bob@localhost/phone");
  EXPECT_EQ(engine.only<engine::submit>().content->account, "client:bob");
  chat("hello");
  EXPECT_EQ(parse_stanza_error(got())->condition, stanza_condition::registration_required);
  users->set_users({{.jid = "alice@localhost", .name = "alice", .number = "+4711111111"}});
  loop.run_for(100ms);
  EXPECT_EQ(engine.take<engine::link_state>().front().link, link.link);
  chat("hello");
  EXPECT_EQ(engine.only<engine::submit>().content->account, "client:alice");
}

TEST_F(XmppUsers, PresenceIsShownToThoseWhoAskedForIt) {
  const auto shown = [this] {
    loop.run_for(100ms);
    std::vector<std::string> from;
    for (const auto& each : far->server.stanzas)
      if (kind_of(each) == stanza_kind::presence) from.emplace_back(each.get("from"));
    far->server.stanzas.clear();
    return from;
  };
  const std::string own = "+4711111111@sms.localhost", other = "+4722222222@sms.localhost";
  far->send("<presence type='subscribe' from='alice@localhost' to='+4722222222@sms.localhost'/>");
  EXPECT_EQ(shown(), (std::vector{other, other}));  // subscribed, and what it shows
  users->show_presence("alice@localhost");
  EXPECT_EQ(shown(), (std::vector<std::string>{"sms.localhost", own, other}));
  users->show_presence("nobody@localhost");
  EXPECT_TRUE(shown().empty());
}

TEST_F(XmppUsers, WhatIsNoTextIsNoMessage) {
  far->send(
      "<message type='chat' from='alice@localhost/p' to='+4722222222@sms.localhost'>"
      "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
      "<message type='error' from='alice@localhost/p' to='+4722222222@sms.localhost'><body>x</body></message>"
      "<message type='chat' from='alice@localhost/p' to='+4722222222@sms.localhost'><body>fixed</body>"
      "<replace xmlns='urn:xmpp:message-correct:0' id='c0'/></message>");
  loop.run_for(200ms);
  EXPECT_TRUE(engine.take<engine::submit>().empty());
  EXPECT_TRUE(far->server.stanzas.empty());
}

TEST_F(XmppUsers, RefusalsAreErrorsOfTheChat) {
  chat("hello", "alice@localhost/phone", "not-a-number");
  EXPECT_EQ(error_got(), "jid-malformed");
  for (const auto& [reason, condition] : {std::pair{engine::refusal::no_route, "item-not-found"},
                                          std::pair{engine::refusal::queue_full, "resource-constraint"},
                                          std::pair{engine::refusal::invalid, "not-acceptable"}}) {
    chat("hello");
    engine.act(engine::refused{engine.only<engine::submit>().token, reason});
    EXPECT_EQ(error_got(), condition);
  }
  engine.is_full = true;
  chat("hello");
  EXPECT_EQ(error_got(), "resource-constraint");
  users->drain();
  chat("hello");
  EXPECT_EQ(error_got(), "recipient-unavailable");
}

TEST_F(XmppUsers, AMessageIsDeliveredWhenTheServerHasReadIt) {
  engine.act(make_send(link.link, "hello"));
  const auto m = got();
  EXPECT_EQ(m.get("from"), "+46709999999@sms.localhost");
  EXPECT_EQ(m.get("to"), "Alice@localhost");
  EXPECT_EQ(m.child_text("body"), "hello");
  const auto result = engine.only<engine::attempt_result>();
  EXPECT_EQ(result.outcome, engine::attempt_outcome::delivered);
  EXPECT_EQ(result.id, engine::message_id{42});
}

TEST_F(XmppUsers, AMessageWaitsForAServerThatIsAway) {
  network.unlisten("server");
  network.kill("server");
  loop.run_for(1s);
  engine.act(make_send(link.link, "hello"));
  loop.run_for(60s);
  EXPECT_TRUE(engine.take<engine::attempt_result>().empty());
  listen();
  EXPECT_TRUE(loop.run_until([&] { return !engine.events.empty(); }, 5min));
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
  EXPECT_TRUE(delay_of(got()));
}

TEST_F(XmppUsers, ADeliveryIsTheReceiptOfTheChat) {
  engine.act(receipt(engine::message_state::delivered));
  const auto m = got();
  EXPECT_EQ(receipt_id(m), "c1");
  EXPECT_EQ(m.get("to"), "alice@localhost/phone");
  EXPECT_EQ(m.get("from"), "+4722222222@sms.localhost");
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
}

TEST_F(XmppUsers, AFailureIsAnErrorThatPeopleCanRead) {
  engine.act(receipt(engine::message_state::undelivered));
  const auto error = parse_stanza_error(got());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->condition, stanza_condition::recipient_unavailable);
  EXPECT_EQ(error->text, "undelivered: no credit");
  (void)engine.take<engine::attempt_result>();
  engine.act(receipt(engine::message_state::sent, true));
  loop.run_for(200ms);
  EXPECT_TRUE(far->server.stanzas.empty()) << "an intermediate report is nothing to show";
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
}

TEST_F(XmppUsers, AUserWithoutAnAddressIsAMistakeAtStart) {
  for (const auto* bad : {"", "alice", "alice@localhost/phone", "a b@localhost"}) {
    auto wrong = options;
    wrong.users[0].jid = bad;
    EXPECT_THROW(xmpp_users(loop.executor(), engine, wrong, std::make_shared<xmpp_users_observer>()), std::system_error)
        << bad;
  }
}

namespace {

class XmppReturns : public XmppUsers {
 protected:
  // The server gives back the chat that comes next, before or after it confirms to have read it.
  void give_back(stanza_error why, bool is_late = false) {
    far->server.answers_pings = is_late;
    engine.act(make_send(link.link, "hello"));
    auto chat = got();
    if (is_late) {
      EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
    }
    far->send(to_xml(make_error(chat, std::move(why))));
    if (!is_late) confirm();
    loop.run_for(100ms);
  }
  // Answers the ping that follows what was sent.
  void confirm() {
    ASSERT_FALSE(far->server.pings.empty());
    far->send("<iq type='result' id='" + far->server.pings.back() + "' from='localhost' to='sms.localhost'/>");
    far->server.answers_pings = true;
  }
  void restart_with_fallback() {
    users->stop([] {});
    loop.run_for(10s);
    users.reset();
    options.returned_account = "returned";
    users = std::make_unique<xmpp_users>(loop.executor(), engine, options, std::make_shared<xmpp_users_observer>());
    far.reset();
    users->start();
    ASSERT_TRUE(loop.run_until([this] { return far && far->server.is_open; }, 10s));
    loop.run_for(100ms);
    engine.events.clear();
  }
};

}  // namespace

TEST_F(XmppReturns, WhatMayWorkLaterIsTriedAgain) {
  give_back(stanza_condition::service_unavailable);
  const auto r = engine.only<engine::attempt_result>();
  EXPECT_EQ(r.outcome, engine::attempt_outcome::temporary);
  EXPECT_NE(r.text.find("service-unavailable"), std::string::npos) << r.text;
  give_back(stanza_condition::not_acceptable);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::permanent);
}

TEST_F(XmppReturns, OthersCannotSayThatAChatCameBack) {
  far->server.answers_pings = false;
  engine.act(make_send(link.link, "hello"));
  auto chat = got();
  chat.set("to", "mallory@localhost");
  far->send(to_xml(make_error(chat, stanza_condition::gone)));
  confirm();
  loop.run_for(100ms);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
}

TEST_F(XmppReturns, TheFallbackAccountGetsWhatCameBackForGood) {
  restart_with_fallback();
  give_back(stanza_condition::service_unavailable);
  const auto copy = engine.only<engine::submit>();
  EXPECT_EQ(copy.content->account, "returned");
  EXPECT_EQ(copy.content->source.value, "46709999999");
  EXPECT_EQ(to_plain_text(*copy.content)->text, "[for alice@localhost, +46700000001] hello");
  EXPECT_TRUE(engine.take<engine::attempt_result>().empty()) << "not before the copy is stored";
  engine.act(engine::accepted{copy.token, engine::message_id{77}});
  loop.run_for(100ms);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::permanent);

  give_back(stanza_condition::resource_constraint);  // a full mailbox: later
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::temporary);
  EXPECT_TRUE(engine.take<engine::submit>().empty());
}

TEST_F(XmppReturns, WhatCameBackLateIsPassedOnToo) {
  restart_with_fallback();
  give_back(stanza_condition::remote_server_not_found, true);
  const auto copy = engine.only<engine::submit>();
  EXPECT_EQ(to_plain_text(*copy.content)->text, "[for alice@localhost, +46700000001] hello");
  engine.act(engine::accepted{copy.token, engine::message_id{77}});
  loop.run_for(100ms);
  EXPECT_TRUE(engine.take<engine::attempt_result>().empty()) << "it has had its result";
}
