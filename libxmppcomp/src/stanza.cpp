#include "msgkit/xmppcomp/stanza.hpp"

#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::xmppcomp {
namespace {

// From and to of `stanza` change places; its id stays.
element make_answer(const element& stanza, std::string_view type) {
  element out(stanza.name);
  if (stanza.has("to")) out.set("from", stanza.get("to"));
  if (stanza.has("from")) out.set("to", stanza.get("from"));
  if (stanza.has("id")) out.set("id", stanza.get("id"));
  out.set("type", type);
  return out;
}

void set_unless_empty(element& e, std::string_view name, std::string_view value) {
  if (!value.empty()) e.set(name, value);
}

}  // namespace

stanza_kind kind_of(const element& e) noexcept {
  if (!e.ns.empty()) return stanza_kind::other;
  if (e.name == "message") return stanza_kind::message;
  if (e.name == "presence") return stanza_kind::presence;
  if (e.name == "iq") return stanza_kind::iq;
  return stanza_kind::other;
}

message_type message_type_of(const element& message) noexcept {
  const auto type = message.get("type");
  if (type.empty() || type == "normal") return message_type::normal;
  if (type == "chat") return message_type::chat;
  if (type == "groupchat") return message_type::groupchat;
  if (type == "headline") return message_type::headline;
  if (type == "error") return message_type::error;
  return message_type::other;
}

bool is_error(const element& stanza) noexcept { return stanza.get("type") == "error"; }
bool is_request(const element& e) noexcept {
  return e.is("iq", {}) && (e.get("type") == "get" || e.get("type") == "set");
}
bool is_response(const element& e) noexcept {
  return e.is("iq", {}) && (e.get("type") == "result" || e.get("type") == "error");
}

element make_message(std::string_view from, std::string_view to, std::string_view body, std::string_view type,
                     std::string_view id) {
  element m("message");
  m.attributes.reserve(4);
  m.set("from", from).set("to", to);
  set_unless_empty(m, "type", type);
  set_unless_empty(m, "id", id);
  if (!body.empty()) m.add("body").text = body;
  return m;
}

element make_presence(std::string_view from, std::string_view to, std::string_view type) {
  element p("presence");
  p.set("from", from).set("to", to);
  set_unless_empty(p, "type", type);
  return p;
}

element make_iq(std::string_view type, std::string_view from, std::string_view to, std::string_view id) {
  element iq("iq");
  iq.set("type", type).set("from", from).set("to", to);
  set_unless_empty(iq, "id", id);
  return iq;
}

element make_result(const element& request) { return make_answer(request, "result"); }

element make_error(const element& stanza, const stanza_error& e) {
  auto out = make_answer(stanza, "error");
  out.add(make_error_element(e));
  return out;
}

bool may_bounce(const element& stanza) noexcept {
  switch (kind_of(stanza)) {
    case stanza_kind::message: return !is_error(stanza);
    case stanza_kind::presence: return !is_error(stanza);
    case stanza_kind::iq: return is_request(stanza);
    case stanza_kind::other: return false;
  }
  return false;
}

result<void> check_outgoing(const element& stanza, std::string_view domain) {
  if (kind_of(stanza) == stanza_kind::other || !is_writable(stanza))
    return fault{make_error_code(errc::name_invalid), "name", 0};
  if (stanza.get("to").empty()) return fault{make_error_code(errc::address_missing), "to", 0};
  if (!same_domain(split_jid(stanza.get("from")).domain, domain))
    return fault{make_error_code(errc::address_foreign), "from", 0};
  // A server answers a malformed sender with the end of the stream, which costs everybody; a malformed recipient as
  // well.
  if (!check_jid(stanza.get("from"))) return fault{make_error_code(errc::jid_invalid), "from", 0};
  if (!check_jid(stanza.get("to"))) return fault{make_error_code(errc::jid_invalid), "to", 0};
  return {};
}

}  // namespace msgkit::xmppcomp
