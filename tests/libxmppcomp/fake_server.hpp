// A server without I/O that accepts one component: reads octets, answers with octets, remembers the messages it has
// processed. Everything it does is in process(), so that a test decides when a server has read and when it has
// answered.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msgkit/xmppcomp/session.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {

struct fake_server {
  std::string stream_id = "3BF96D32";
  std::string secret = "test";
  std::string domain = "sms.localhost";
  bool answers_pings = true;
  std::string poison{};  // a message with this text ends the stream

  std::vector<element> stanzas{};  // that came, pings excepted
  std::vector<std::string> pings{};
  std::string handshake{};
  std::string output{};
  bool is_open = false;
  bool is_closed = false;
  stream_parser parser{};

  void process(std::string_view octets) {
    if (is_closed) return;
    parser.feed(as_bytes(octets));
    while (!is_closed) {
      const auto item = parser.next();
      if (!item) return;
      if (*item == stream_item::header) write_header();
      else if (*item == stream_item::stanza) handle(parser.stanza());
      else if (*item == stream_item::end) close();
      else fail(stream_condition::not_well_formed);
    }
  }
  void write_header() {
    output += "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='" + stream_id +
              "' from='" + domain + "' xmlns='jabber:component:accept' xml:lang='en'>";
  }
  void handle(const element& e) {
    if (e.name == "handshake") {
      handshake = e.text;
      if (handshake != handshake_digest(stream_id, secret)) return fail(stream_condition::not_authorized);
      is_open = true;
      output += "<handshake/>";
    } else if (e.child("ping", ns::ping) != nullptr) {
      pings.emplace_back(e.get("id"));
      if (answers_pings) append_xml(output, make_result(e));
    } else if (!poison.empty() && e.child_text("body") == poison) {
      fail(stream_condition::not_well_formed);
    } else {
      stanzas.push_back(e);
    }
  }
  void fail(stream_condition c, std::string_view text = {}) {
    append_stream_error(output, c, text);
    is_closed = true;
  }
  void close() {
    output += "</stream:stream>";
    is_closed = true;
  }
  std::string take_output() { return std::exchange(output, {}); }
};

inline session_options test_session_options() { return {.domain = "sms.localhost", .secret = "test", .id_seed = 1}; }

inline element user_message_to(std::string_view body, std::string_view id) {
  return make_message("+4712345678@sms.localhost", "alice@localhost", body, "chat", id);
}

}  // namespace msgkit::xmppcomp
