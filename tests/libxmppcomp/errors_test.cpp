// Stanza errors and stream errors, in both directions.
#include <gtest/gtest.h>

#include <set>

#include "msgkit/xmppcomp/address.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/jid.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/stanza_error.hpp"
#include "msgkit/xmppcomp/stream_error.hpp"
#include "stream_script.hpp"

using namespace msgkit::xmppcomp;

namespace {

constexpr int stanza_conditions = static_cast<int>(stanza_condition::unexpected_request);
constexpr int stream_conditions = static_cast<int>(stream_condition::xml_not_well_formed);

element user_message() {
  auto m = make_message("alice@localhost/r1", "+4712345678@sms.localhost", "hello", "chat", "m1");
  m.set_lang("en");
  return m;
}

}  // namespace

TEST(StanzaError, EveryConditionGoesOutAndComesBack) {
  std::set<std::string_view> names;
  for (int i = 1; i <= stanza_conditions; ++i) {
    const auto condition = static_cast<stanza_condition>(i);
    names.insert(to_string(condition));
    for (const auto type :
         {error_type::cancel, error_type::modify, error_type::wait, error_type::auth, error_type::proceed}) {
      const stanza_error sent(condition, type, "why <not>");
      const auto read = read_stanzas(stream_open + to_xml(make_error(user_message(), sent)));
      ASSERT_EQ(read.size(), 1u);
      EXPECT_EQ(parse_stanza_error(read.front()), sent);
    }
    EXPECT_EQ(make_error_code(condition).message(), "answered with " + std::string(to_string(condition)));
  }
  EXPECT_EQ(names.size(), 22u) << "RFC 6120 section 8.3.3";
}

TEST(StanzaError, TheRecommendedTypeIsTheDefault) {
  EXPECT_EQ(stanza_error(stanza_condition::recipient_unavailable).type, error_type::wait);
  EXPECT_EQ(stanza_error(stanza_condition::jid_malformed).type, error_type::modify);
  EXPECT_EQ(stanza_error(stanza_condition::forbidden).type, error_type::auth);
  EXPECT_EQ(stanza_error(stanza_condition::service_unavailable).type, error_type::cancel);
}

TEST(StanzaError, CarriesTheNewAddress) {
  stanza_error moved(stanza_condition::gone);
  moved.uri = "xmpp:new@example.org";
  EXPECT_EQ(parse_stanza_error(make_error(user_message(), moved)), moved);
}

TEST(StanzaError, ReadsWhatServersSend) {
  const auto read =
      read_stanzas(stream_open +
                   "<message type='error' from='a@b' to='c@d' id='x'><error type='wait'><remote-server-timeout "
                   "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><not-connected "
                   "xmlns='xmpp:prosody.im/protocol/component'/></error></message>"
                   "<message type='error'><error type='odd'><new-condition "
                   "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message><message type='error'/>");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(parse_stanza_error(read[0]), stanza_error(stanza_condition::remote_server_timeout));
  EXPECT_EQ(parse_stanza_error(read[1]), stanza_error(stanza_condition::undefined_condition));
  EXPECT_EQ(parse_stanza_error(read[2]), std::nullopt);
}

TEST(StanzaError, ABounceHasTheSameIdAndSwappedAddresses) {
  const auto bounce = make_error(user_message(), stanza_condition::not_acceptable);
  EXPECT_EQ(bounce.get("id"), "m1");
  EXPECT_EQ(bounce.get("to"), "alice@localhost/r1");
  EXPECT_EQ(bounce.get("from"), "+4712345678@sms.localhost");
  EXPECT_EQ(bounce.get("type"), "error");
  EXPECT_EQ(bounce.child("body"), nullptr);
}

TEST(StanzaError, AnswersAndErrorsAreNeverBounced) {
  EXPECT_TRUE(may_bounce(user_message()));
  EXPECT_TRUE(may_bounce(make_iq("get", "a", "b")));
  EXPECT_TRUE(may_bounce(make_iq("set", "a", "b")));
  EXPECT_FALSE(may_bounce(make_iq("result", "a", "b")));
  EXPECT_FALSE(may_bounce(make_iq("error", "a", "b")));
  EXPECT_FALSE(may_bounce(make_message("a", "b", "x", "error")));
  EXPECT_FALSE(may_bounce(element("handshake")));
}

TEST(StreamError, EveryConditionGoesOutAndComesBack) {
  for (int i = 1; i <= stream_conditions; ++i) {
    const auto condition = static_cast<stream_condition>(i);
    std::string xml = stream_open;
    append_stream_error(xml, condition, "a & b");
    const auto log = parse_in_pieces(xml);
    EXPECT_EQ(log.items.back(), "end");
    const auto read = read_stanzas(xml);
    ASSERT_EQ(read.size(), 1u);
    EXPECT_TRUE(is_stream_error(read.front()));
    const auto error = parse_stream_error(read.front());
    EXPECT_EQ(error.condition, condition);
    EXPECT_EQ(error.text, "a & b");
    EXPECT_NE(make_error_code(condition).message().find(to_string(condition)), std::string::npos);
  }
}

TEST(StreamError, AnUnknownConditionIsUndefined) {
  const auto read = read_stanzas(stream_open + "<stream:error><odd xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                                               "</stream:error><stream:error/>");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(parse_stream_error(read[0]).condition, stream_condition::undefined_condition);
  EXPECT_EQ(parse_stream_error(read[1]).condition, stream_condition::undefined_condition);
}

TEST(Errors, EachOfOursHasWords) {
  for (int value = 1; value <= static_cast<int>(errc::quarantined); ++value) {
    const auto words = xmppcomp_category().message(value);
    const bool is_ours =
        value <= static_cast<int>(errc::stanza_too_large) || value >= static_cast<int>(errc::not_connected);
    EXPECT_EQ(words.find("unknown") == std::string::npos, is_ours) << value;
  }
}

TEST(Outgoing, AStanzaNeedsARecipientAndASenderOfOurs) {
  const auto why = [](std::string_view from, std::string_view to) {
    const auto checked = check_outgoing(make_message(from, to, "x"), "sms.localhost");
    return checked ? std::string("good") : std::string(checked.error().field) + ": " + checked.error().code.message();
  };
  EXPECT_EQ(why("+47@sms.localhost", "alice@localhost"), "good");
  EXPECT_EQ(why("+47@SMS.Localhost/x", "alice@localhost"), "good");
  EXPECT_EQ(why("sms.localhost", "alice@localhost"), "good");
  EXPECT_EQ(why("+47@sms.localhost", ""), "to: the stanza has no recipient");
  EXPECT_EQ(why("", "alice@localhost"), "from: the sender is not an address of this component");
  EXPECT_EQ(why("root@localhost", "alice@localhost"), "from: the sender is not an address of this component");
  EXPECT_EQ(why("+47@sms.localhost.evil", "a@b"), "from: the sender is not an address of this component");
  EXPECT_EQ(why("@sms.localhost", "alice@localhost"), "from: not a valid address");
  EXPECT_EQ(why("+47@sms.localhost", "al ice@localhost"), "to: not a valid address");
  EXPECT_FALSE(check_outgoing(element("handshake"), "sms.localhost"));
  auto odd = make_message("+47@sms.localhost", "a@b");
  odd.add("b><c");
  EXPECT_EQ(check_outgoing(odd, "sms.localhost").error().code, errc::name_invalid);
}

// Weakness 6 of goippy: the sender "Telia Info" became an address that servers refuse, and the message was lost.
TEST(GoippyWeaknesses, No6AnAlphanumericSenderIsAValidAddress) {
  EXPECT_FALSE(check_outgoing(make_message("Telia Info@sms.localhost", "a@b", "x"), "sms.localhost"))
      << "and as it was, it is refused here and not by the server";
  const auto sender = jid::make(local_of_sender("Telia Info"), "sms.localhost");
  ASSERT_TRUE(sender);
  EXPECT_EQ(sender->to_string(), "telia\\20info@sms.localhost");
  EXPECT_TRUE(check_outgoing(make_message(sender->to_string(), "a@b", "x"), "sms.localhost"));
}

// Weakness 7: octets that are no UTF-8 vanished, here up to the whole message.
TEST(GoippyWeaknesses, No7IllFormedTextIsShownAndDoesNotBreakTheStream) {
  using namespace std::string_literals;
  const auto message = make_message("+1@sms.localhost", "alice@localhost", "\xFF\xFE\xC3\x01\0A"s);
  const auto read = read_stanzas(stream_open + to_xml(message));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read.front().child_text("body"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA");
}
