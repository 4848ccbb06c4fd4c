// The extensions: what is recognised, what is built, what is answered.
#include <gtest/gtest.h>

#include "../stream_script.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"
#include "msgkit/xmppcomp/xep/namespaces.hpp"
#include "msgkit/xmppcomp/xep/presence.hpp"
#include "msgkit/xmppcomp/xep/responder.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using namespace std::chrono_literals;

namespace {

element read(std::string_view xml) {
  const auto stanzas = read_stanzas(stream_open + std::string(xml));
  return stanzas.empty() ? element{} : stanzas.front();
}
// As the other side gets it.
element over_the_wire(const element& e) { return read(to_xml(e)); }

element message_with(std::string_view inside, std::string_view attributes = "type='chat'") {
  return read("<message from='a@b/r' to='+4712345678@sms.localhost' id='m1' " + std::string(attributes) + ">" +
              std::string(inside) + "</message>");
}
constexpr std::string_view composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";

}  // namespace

// ---- messages

TEST(MessageContent, OnlyATextIsAText) {
  using enum message_content;
  EXPECT_EQ(classify(message_with("<body>x</body>")), text);
  EXPECT_EQ(classify(message_with("<body>x</body>", "")), text);
  EXPECT_EQ(classify(message_with("<body>x</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
                                  "<request xmlns='urn:xmpp:receipts'/>")),
            text);
  EXPECT_EQ(classify(message_with("<x xmlns='jabber:x:oob'><url>http://a/b.jpg</url></x>")), text);
  EXPECT_EQ(classify(message_with("<body>x</body>", "type='error'")), error);
  EXPECT_EQ(classify(message_with("<body>x</body>", "type='groupchat'")), from_room);
  EXPECT_EQ(classify(message_with("<body>x</body>", "type='headline'")), headline);
  EXPECT_EQ(classify(message_with("<received xmlns='urn:xmpp:receipts' id='m0'/>", "")), receipt);
  EXPECT_EQ(classify(message_with(composing)), chat_state);
  EXPECT_EQ(classify(message_with("<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/>")), marker);
  EXPECT_EQ(classify(message_with("")), empty);
  EXPECT_EQ(classify(message_with("<body/>")), empty);
}

TEST(MessageContent, CopiesCorrectionsAndRoomsAreIgnoredSafely) {
  using enum message_content;
  const std::string inner = "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='boss@b' "
                            "to='+47@sms.localhost'><body>send this</body></message></forwarded>";
  EXPECT_EQ(classify(message_with("<body>x</body><sent xmlns='urn:xmpp:carbons:2'>" + inner + "</sent>")), copy);
  EXPECT_EQ(classify(message_with("<received xmlns='urn:xmpp:carbons:2'>" + inner + "</received>")), copy);
  EXPECT_EQ(classify(message_with("<body>x</body>" + inner)), copy);
  EXPECT_EQ(classify(message_with("<body>fixed</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>")),
            correction);
  EXPECT_EQ(classify(message_with("<body>x</body><x xmlns='http://jabber.org/protocol/muc#user'/>")), from_room);
}

TEST(MessageContent, ABodyInTheAskedLanguage) {
  const auto m = message_with("<body>hello</body><body xml:lang='de'>hallo</body>");
  EXPECT_EQ(body_of(m), "hello");
  EXPECT_EQ(body_of(m, "de"), "hallo");
  EXPECT_EQ(body_of(m, "fr"), "hello");
}

TEST(Receipts, AreAskedForAndGiven) {
  auto m = make_message("a@b/r", "+47@sms.localhost", "x", "chat", "m1");
  EXPECT_FALSE(wants_receipt(m));
  request_receipt(m);
  request_receipt(m);
  EXPECT_EQ(m.children.size(), 2u);
  EXPECT_TRUE(wants_receipt(over_the_wire(m)));
  const auto receipt = over_the_wire(make_receipt(m));
  EXPECT_EQ(receipt_id(receipt), "m1");
  EXPECT_EQ(receipt.get("to"), "a@b/r");
  EXPECT_EQ(receipt.get("from"), "+47@sms.localhost");
  EXPECT_NE(receipt.child("store", ns::hints), nullptr);
  EXPECT_EQ(receipt_id(m), std::nullopt);
  EXPECT_FALSE(wants_receipt(message_with("<request xmlns='urn:xmpp:receipts'/>", "type='error'")));
  EXPECT_EQ(receipt_id(message_with("<received xmlns='urn:xmpp:receipts' id='m0'/>", "type='error'")), std::nullopt)
      << "a bounced receipt is none";
}

TEST(ChatStates, AreRecognised) {
  EXPECT_EQ(chat_state_of(message_with(composing)), chat_state::composing);
  EXPECT_EQ(chat_state_of(message_with("<gone xmlns='http://jabber.org/protocol/chatstates'/>")), chat_state::gone);
  EXPECT_EQ(chat_state_of(message_with("<odd xmlns='http://jabber.org/protocol/chatstates'/>")), std::nullopt);
  EXPECT_EQ(chat_state_of(message_with("<body>x</body>")), std::nullopt);
}

TEST(Delay, TimesGoOutAndComeBack) {
  const wall_time leap = std::chrono::sys_days{std::chrono::year{2024} / 2 / 29} + 23h + 59min + 58s + 125ms;
  EXPECT_EQ(to_xmpp_time(leap), "2024-02-29T23:59:58.125Z");
  EXPECT_EQ(parse_xmpp_time("2024-02-29T23:59:58.125Z"), leap);
  EXPECT_EQ(parse_xmpp_time("2024-03-01T01:29:58.1256+01:30"), leap);
  EXPECT_EQ(parse_xmpp_time("2024-02-29T18:59:58-05:00"), leap - 125ms);
  auto m = make_message("a@b", "c@d", "x");
  m.add(make_delay("c@d", leap));
  EXPECT_EQ(delay_of(over_the_wire(m)), leap);
  for (const auto* bad :
       {"", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T00:00:00", "2024-02-29",
        "2024-02-29T00:00:00.Z", "2024-02-29T00:00:00+1:00", "20240229T00:00:00Z", "2024-02-29T00:00:0xZ"})
    EXPECT_EQ(parse_xmpp_time(bad), std::nullopt) << bad;
}

TEST(OutOfBandData, TheBodyIsTheLink) {
  auto m = make_message("a@b", "c@d");
  set_link(m, "http://h/p?a=1&b=2", "a picture");
  const auto got = over_the_wire(m);
  EXPECT_EQ(body_of(got), "http://h/p?a=1&b=2");
  EXPECT_EQ(link_of(got), "http://h/p?a=1&b=2");
  EXPECT_EQ(link_of(message_with("<x xmlns='jabber:x:oob'/>")), std::nullopt);
}

// ---- presence

TEST(ContactPresence, ShowsTheStateOfALine) {
  const auto away = over_the_wire(make_contact_presence("+47@s", "a@b", {.show = "away", .status = "no network"}));
  EXPECT_EQ(away.get("type"), "");
  EXPECT_EQ(away.child_text("show"), "away");
  EXPECT_EQ(away.child_text("status"), "no network");
  const auto down = make_contact_presence("+47@s", "a@b", {.is_available = false, .show = "away", .status = "off"});
  EXPECT_EQ(down.get("type"), "unavailable");
  EXPECT_EQ(down.child("show"), nullptr);
}

TEST(ContactPresence, AnswersSubscriptionsAndProbes) {
  const auto asked = [](std::string_view type) {
    std::vector<std::string> answers;
    for (const auto& e : answer_presence(make_presence("a@b/r", "+47@sms/x", type), {.status = "up"}))
      answers.push_back(std::string(e.get("type")) + " from " + std::string(e.get("from")) + " to " +
                        std::string(e.get("to")));
    return answers;
  };
  using list = std::vector<std::string>;
  EXPECT_EQ(asked("subscribe"), (list{"subscribed from +47@sms to a@b", " from +47@sms to a@b/r"}));
  EXPECT_EQ(asked("unsubscribe"), (list{"unsubscribed from +47@sms to a@b", "unavailable from +47@sms to a@b/r"}));
  EXPECT_EQ(asked("probe"), list{" from +47@sms to a@b/r"});
  for (const auto* type : {"", "unavailable", "subscribed", "unsubscribed", "error", "odd"})
    EXPECT_EQ(asked(type), list{}) << type;
  EXPECT_EQ(refuse_presence(make_presence("a@b/r", "+47@sms", "subscribe")).at(0).get("type"), "unsubscribed");
  EXPECT_TRUE(refuse_presence(make_presence("a@b/r", "+47@sms", "error")).empty());
  EXPECT_EQ(presence_kind_of(make_presence("a", "b", "odd")), presence_kind::other);
  EXPECT_EQ(make_subscribe("+47@s", "a@b", "Bob").child_text("nick", "http://jabber.org/protocol/nick"), "Bob");
}

// ---- forms

TEST(DataForm, GoesOutAndComesBack) {
  const data_form form{
      .type = "form",
      .title = "Send",
      .instructions = "Fill in",
      .fields = {{.var = "to", .type = "jid-single", .label = "To", .values = {"a"}, .is_required = true},
                 {.var = "kind", .type = "list-single", .values = {"1"}, .options = {{"One", "1"}, {"Two", "2"}}},
                 {.type = "fixed", .values = {"a", "b"}}}};
  element parent("query", ns::registration);
  parent.add(make_form(form));
  element iq("iq");
  iq.add(parent);
  const auto got = over_the_wire(iq);
  ASSERT_EQ(got.children.size(), 1u);
  EXPECT_EQ(parse_form(got.children[0]), form);
  EXPECT_EQ(form.value("kind"), "1");
  EXPECT_EQ(form.value("none"), "");
  EXPECT_EQ(parse_form(got), std::nullopt);
}

// ---- the responder

namespace {

struct directory final : gateway_directory {
  std::vector<disco_item> items(const jid&) override { return {{"+4711111111@sms.localhost", "", "Line 1"}}; }
  std::vector<command_info> commands(const jid& user) override {
    return user.local() == "alice" ? std::vector<command_info>{{"ussd", "USSD"}, {"status", "Status"}}
                                   : std::vector<command_info>{};
  }
  result<command_reply> run(const command_call& call) override {
    stages.push_back(call.session->stage);
    if (call.request.node == "status") return command_reply{.note = "all lines are up"};
    if (call.request.form) {
      if (call.request.form->value("code").empty()) return stanza_condition::bad_request;
      return command_reply{.note = "sent " + std::string(call.request.form->value("code"))};
    }
    return command_reply{.status = command_status::executing,
                         .actions = {command_action::complete},
                         .form = data_form{.fields = {{.var = "code", .type = "text-single"}}}};
  }
  result<data_form> registration_form(const jid& user) override {
    if (user.local() != "alice") return stanza_condition::forbidden;
    return data_form{.instructions = "Your number, please", .fields = {{.var = "phone"}}};
  }
  result<void> submit_registration(const jid&, const data_form& form) override {
    phone = form.value("phone");
    return {};
  }
  std::vector<std::uint32_t> stages;
  std::string phone;
};

struct responder_test : testing::Test {
  element ask(std::string_view type, std::string_view payload, std::string_view to = "sms.localhost",
              std::string_view from = "alice@localhost/r") {
    const auto iq = read("<iq id='q1' type='" + std::string(type) + "' from='" + std::string(from) + "' to='" +
                         std::string(to) + "'>" + std::string(payload) + "</iq>");
    const auto answer = answers.answer(iq, now);
    if (!answer) return {};
    EXPECT_EQ(answer->get("id"), "q1");
    EXPECT_EQ(answer->get("to"), from);
    EXPECT_EQ(answer->get("from"), to);
    return over_the_wire(*answer);
  }
  static std::string_view error_of(const element& answer) {
    const auto error = parse_stanza_error(answer);
    return error ? to_string(error->condition) : "no error";
  }

  time_point now{1h};
  directory lines;
  responder answers{{.domain = "sms.localhost",
                     .name = "SMS",
                     .numbers = {.country_code = "47", .trunk_prefix = "", .short_code_digits_max = 5}},
                    lines};
};

constexpr std::string_view info_query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";

std::string command_xml(std::string_view attributes, std::string_view inside = {}) {
  return "<command xmlns='http://jabber.org/protocol/commands' " + std::string(attributes) + ">" + std::string(inside) +
         "</command>";
}

}  // namespace

using Responder = responder_test;

TEST_F(Responder, AnnouncesTheGatewayAndItsContacts) {
  const auto gateway = parse_disco_info(ask("get", info_query));
  ASSERT_TRUE(gateway);
  EXPECT_EQ(gateway->identities, (std::vector<disco_identity>{{"gateway", "sms", "SMS"}}));
  for (const auto feature : {ns::disco_info, ns::disco_items, ns::registration, ns::gateway, ns::ping, ns::receipts,
                             ns::commands, ns::vcard, ns::version})
    EXPECT_TRUE(gateway->has_feature(feature)) << feature;
  EXPECT_FALSE(gateway->has_feature(ns::chat_states));
  const auto contact = parse_disco_info(ask("get", info_query, "+4712345678@sms.localhost"));
  ASSERT_TRUE(contact);
  EXPECT_EQ(contact->identities.at(0).type, "phone");
  EXPECT_TRUE(contact->has_feature(ns::receipts));
  EXPECT_EQ(error_of(ask("get", info_query, "nobody@sms.localhost")), "item-not-found");
  EXPECT_EQ(error_of(ask("get", "<query xmlns='http://jabber.org/protocol/disco#info' node='odd'/>")),
            "item-not-found");
}

TEST_F(Responder, ListsItemsAndCommands) {
  const auto items = parse_disco_items(ask("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>"));
  ASSERT_TRUE(items);
  EXPECT_EQ(items->at(0).name, "Line 1");
  const std::string commands = "<query xmlns='http://jabber.org/protocol/disco#items' "
                               "node='http://jabber.org/protocol/commands'/>";
  EXPECT_EQ(parse_disco_items(ask("get", commands))->size(), 2u);
  EXPECT_EQ(parse_disco_items(ask("get", commands, "sms.localhost", "bob@localhost/r"))->size(), 0u);
  const auto node = parse_disco_info(ask("get", "<query xmlns='http://jabber.org/protocol/disco#info' node='ussd'/>"));
  ASSERT_TRUE(node);
  EXPECT_EQ(node->identities.at(0).type, "command-node");
}

TEST_F(Responder, AnswersPingVersionVcardAndPrompt) {
  EXPECT_EQ(ask("get", "<ping xmlns='urn:xmpp:ping'/>").get("type"), "result");
  EXPECT_EQ(
      ask("get", "<query xmlns='jabber:iq:version'/>").child("query", ns::version)->child_text("name", ns::version),
      "msgkit");
  const auto card = parse_vcard(ask("get", "<vCard xmlns='vcard-temp'/>", "+4712345678@sms.localhost"));
  EXPECT_EQ(card, (vcard{.full_name = "+4712345678", .telephone = "+4712345678"}));
  EXPECT_EQ(parse_vcard(ask("get", "<vCard xmlns='vcard-temp'/>"))->full_name, "SMS");
  EXPECT_EQ(error_of(ask("set", "<vCard xmlns='vcard-temp'/>")), "not-allowed");
  const auto* asked = ask("get", "<query xmlns='jabber:iq:gateway'/>").child("query", ns::gateway);
  EXPECT_NE(asked, nullptr);
  const auto made = ask("set", "<query xmlns='jabber:iq:gateway'><prompt>912 34 567</prompt></query>");
  EXPECT_EQ(made.child("query", ns::gateway)->child_text("jid", ns::gateway), "+4791234567@sms.localhost");
  EXPECT_EQ(error_of(ask("set", "<query xmlns='jabber:iq:gateway'><prompt>bob</prompt></query>")), "jid-malformed");
}

TEST_F(Responder, EveryOtherRequestIsAnsweredAndNoAnswerIs) {
  EXPECT_EQ(error_of(ask("get", "<query xmlns='jabber:iq:last'/>")), "service-unavailable");
  EXPECT_EQ(error_of(ask("set", "<query xmlns='urn:odd'/>", "+4712345678@sms.localhost")), "service-unavailable");
  EXPECT_EQ(error_of(ask("get", "")), "bad-request");
  EXPECT_FALSE(answers.answer(make_iq("result", "a@b", "sms.localhost"), now));
  EXPECT_FALSE(answers.answer(make_iq("error", "a@b", "sms.localhost"), now));
}

TEST_F(Responder, RegistrationIsOpenToWhomTheDirectorySays) {
  const auto form = ask("get", "<query xmlns='jabber:iq:register'/>");
  const auto* query = form.child("query", ns::registration);
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->child_text("instructions", ns::registration), "Your number, please");
  EXPECT_EQ(parse_form(*query)->fields.at(0).var, "phone");
  EXPECT_EQ(ask("set", "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='phone'>"
                       "<value>123</value></field></x></query>").get("type"),
            "result");
  EXPECT_EQ(lines.phone, "123");
  EXPECT_EQ(ask("set", "<query xmlns='jabber:iq:register'><phone>456</phone></query>").get("type"), "result");
  EXPECT_EQ(lines.phone, "456") << "the old way, without a form";
  EXPECT_EQ(error_of(ask("set", "<query xmlns='jabber:iq:register'><remove/></query>")), "not-allowed");
  EXPECT_EQ(error_of(ask("get", "<query xmlns='jabber:iq:register'/>", "sms.localhost", "bob@localhost/r")),
            "forbidden");
}

TEST_F(Responder, RunsACommandInStages) {
  const auto first = parse_command_reply(ask("set", command_xml("node='ussd' action='execute'")));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, "executing");
  ASSERT_TRUE(first->form);
  const auto attributes = "node='ussd' sessionid='" + first->session_id + "'";
  const std::string form = "<x xmlns='jabber:x:data' type='submit'><field var='code'><value>*100#</value></field></x>";
  EXPECT_EQ(error_of(ask("set", command_xml(attributes, form), "sms.localhost", "alice@localhost/other")),
            "bad-request")
      << "the session is another's";
  const auto second = parse_command_reply(ask("set", command_xml(attributes, form)));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->status, "completed");
  EXPECT_EQ(second->note, "sent *100#");
  EXPECT_EQ(lines.stages, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(error_of(ask("set", command_xml(attributes, form))), "bad-request") << "it has ended";
}

TEST_F(Responder, CommandsAreCanceledExpireAndFail) {
  auto session = parse_command_reply(ask("set", command_xml("node='ussd'")))->session_id;
  EXPECT_EQ(
      parse_command_reply(ask("set", command_xml("node='ussd' action='cancel' sessionid='" + session + "'")))->status,
      "canceled");
  session = parse_command_reply(ask("set", command_xml("node='ussd'")))->session_id;
  now += 10min;
  EXPECT_EQ(error_of(ask("set", command_xml("node='ussd' sessionid='" + session + "'"))), "bad-request");
  session = parse_command_reply(ask("set", command_xml("node='ussd'")))->session_id;
  EXPECT_EQ(error_of(ask("set", command_xml("node='ussd' sessionid='" + session + "'", "<x xmlns='jabber:x:data'/>"))),
            "bad-request");
  EXPECT_EQ(error_of(ask("set", command_xml("node='odd'"))), "item-not-found");
  EXPECT_EQ(error_of(ask("set", command_xml("node='ussd'"), "sms.localhost", "bob@localhost/r")), "item-not-found");
  EXPECT_EQ(error_of(ask("set", command_xml("node='ussd' action='explode'"))), "bad-request");
  EXPECT_EQ(parse_command_reply(ask("set", command_xml("node='status'")))->note, "all lines are up");
}

TEST(CommandSessions, TheirNumberIsLimited) {
  command_sessions sessions(1, 10min, 3);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(sessions.begin("a@b/r", "n", time_point{}));
  EXPECT_EQ(sessions.size(), 3u);
  EXPECT_EQ(sessions.find(ids[1], "a@b/r", "n", time_point{}), nullptr);
  EXPECT_NE(sessions.find(ids[4], "a@b/r", "n", time_point{}), nullptr);
}
