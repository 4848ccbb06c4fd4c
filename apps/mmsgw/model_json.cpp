#include "mmsgw/model_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "common/json_writer.hpp"

namespace msgkit::app::mms {
namespace {

using nlohmann::json;

constexpr std::string_view event_names[] = {"SCHEDULED", "SENT",     "FORWARDED", "ACKNOWLEDGED",
                                            "DELIVERED", "FAILED",   "UNDEFINED", "RECEIVED",
                                            "READ",      "REJECTED", "CANCELED",  "REPLACED"};
constexpr std::string_view recipient_names[] = {"queued",    "sending", "sent",     "acknowledged", "forwarded",
                                                "delivered", "failed",  "received", "canceled"};
constexpr const char* role_names[] = {"destination", "cc", "bcc"};

// Members that are texts, by name: written when set, read when there.
struct text_member {
  const char* name;
  std::string message::*member;
};
constexpr text_member message_texts[] = {
    {"id", &message::id},
    {"peer_ref", &message::peer_ref},
    {"last_tran_id", &message::last_tran_id},
    {"ack_at_addr", &message::ack_at_addr},
    {"gateway", &message::group},
    {"gateway_id", &message::gateway_id},
    {"origin", &message::origin},
    {"linked_id", &message::linked_id},
    {"priority", &message::priority},
    {"relay_server", &message::relay_server},
    {"ua_caps", &message::ua_caps},
    {"reply_charging_id", &message::reply_charging_id},
    {"handling_app", &message::handling_app},
    {"reply_to_app", &message::reply_to_app},
    {"app_info", &message::app_info},
    {"relayed_from", &message::relayed_from},
};
struct template_text_member {
  const char* name;
  std::string message_template::*member;
};
constexpr template_text_member template_texts[] = {
    {"message_class", &message_template::message_class},
    {"content_class", &message_template::content_class},
    {"charged_party", &message_template::charged_party},
};
struct flag_member {
  const char* name;
  std::optional<bool> message_template::*member;
};
constexpr flag_member template_flags[] = {
    {"show_sender", &message_template::show_sender},
    {"drm", &message_template::drm},
    {"content_adaptation", &message_template::content_adaptation},
    {"can_redistribute", &message_template::can_redistribute},
};
struct number_member {
  const char* name;
  std::int64_t message_template::*member;
};
constexpr number_member template_numbers[] = {
    {"earliest_delivery", &message_template::earliest_delivery},
    {"latest_delivery", &message_template::latest_delivery},
    {"expire_after", &message_template::expire_after},
};

void read(const json& j, const char* name, std::string& out) {
  if (const auto at = j.find(name); at != j.end() && at->is_string()) out = at->get<std::string>();
}
void read(const json& j, const char* name, bool& out) {
  if (const auto at = j.find(name); at != j.end() && at->is_boolean()) out = at->get<bool>();
}
void read(const json& j, const char* name, std::int64_t& out) {
  if (const auto at = j.find(name); at != j.end() && at->is_number_integer()) out = at->get<std::int64_t>();
}

void read(const json& j, const char* name, std::vector<std::string>& out) {
  if (const auto at = j.find(name); at != j.end() && at->is_array())
    for (const auto& text : *at)
      if (text.is_string()) out.push_back(text.get<std::string>());
}

part part_of(const json& j) {
  part p;
  read(j, "part_id", p.id);
  read(j, "content_name", p.name);
  read(j, "content_type", p.type);
  read(j, "content_url", p.url);
  p.is_inline = j.contains("inline_at");
  read(j, "inline_at", p.inline_at);
  read(j, "inline_octets", p.inline_octets);
  return p;
}

message_template template_of(const json& j) {
  message_template t;
  read(j, "id", t.id);
  read(j, "origin", t.origin);
  read(j, "subject", t.subject);
  for (const auto& m : template_texts) read(j, m.name, t.*m.member);
  for (const auto& m : template_numbers) read(j, m.name, t.*m.member);
  for (const auto& m : template_flags)
    if (const auto at = j.find(m.name); at != j.end() && at->is_boolean()) t.*m.member = at->get<bool>();
  if (const auto parts = j.find("parts"); parts != j.end() && parts->is_array()) {
    for (const auto& p : *parts) t.parts.push_back(part_of(p));
  }
  return t;
}

// As stored. What is empty is left out, the times are in milliseconds.
void write(json_writer& w, const char* name, const std::string& text) {
  if (!text.empty()) w.field(name, text);
}
void write(json_writer& w, const char* name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  w.key(name).begin_array();
  for (const auto& t : texts) w.value(t);
  w.end_array();
}

void write(json_writer& w, const part& p) {
  w.begin_object().field("part_id", p.id).field("content_name", p.name).field("content_type", p.type);
  write(w, "content_url", p.url);
  if (p.is_inline) w.field("inline_at", p.inline_at).field("inline_octets", p.inline_octets);
  w.end_object();
}

void write(json_writer& w, const message_template& t) {
  w.begin_object().field("id", t.id).field("origin", t.origin).field("subject", t.subject);
  for (const auto& m : template_texts) write(w, m.name, t.*m.member);
  for (const auto& m : template_numbers)
    if (t.*m.member != 0) w.field(m.name, t.*m.member);
  for (const auto& m : template_flags)
    if ((t.*m.member).has_value()) w.field(m.name, *(t.*m.member));
  w.key("parts").begin_array();
  for (const auto& p : t.parts) write(w, p);
  w.end_array().end_object();
}

void write(json_writer& w, const message& m) {
  w.begin_object();
  for (const auto& t : message_texts) write(w, t.name, m.*t.member);
  w.field("direction", m.is_inbound ? 1 : -1);
  w.field("ack_requested", m.ack_requested).field("dr_requested", m.dr_requested).field("rr_requested", m.rr_requested);
  w.field("created_ms", m.created_ms).field("processed_ms", m.processed_ms).field("forward_count", m.forward_count);
  write(w, "first_event", m.first_event);
  write(w, "events_url", m.events_urls);
  write(w, "relayed_as", m.relayed_as);
  write(w.key("template"), m.content);
  if (m.is_inbound) {
    w.key("recipients").begin_array();
    for (const auto& r : m.recipients)
      w.begin_object()
          .field("number", r.number)
          .field("role", static_cast<int>(r.role))
          .field("state", static_cast<int>(r.state))
          .end_object();
    w.end_array();
  }
  w.end_object();
}

void write(json_writer& w, const event& e) {
  w.begin_object().field("state", to_string(e.state)).field("code", e.code).field("description", e.description);
  w.field("gateway", e.gateway).field("timestamp", e.at_ms / 1'000).key("destinations").begin_array();
  for (const auto& d : e.destinations) w.value(d);
  w.end_array().end_object();
}

template <class T>
std::string written(const T& what) {
  std::string text;
  text.reserve(1'024);
  json_writer w(text);
  write(w, what);
  return text;
}

std::vector<recipient> recipients_of(const json& j) {
  std::vector<recipient> all;
  const auto at = j.find("recipients");
  if (at == j.end() || !at->is_array()) return all;
  for (const auto& one : *at) {
    recipient r{.index = all.size(), .state = recipient_state::received};
    std::int64_t role = 0, state = static_cast<std::int64_t>(r.state);
    read(one, "number", r.number);
    read(one, "role", role);
    read(one, "state", state);
    if (role >= 0 && role < static_cast<std::int64_t>(std::size(role_names)))
      r.role = static_cast<recipient_role>(role);
    if (state >= 0 && state < static_cast<std::int64_t>(std::size(recipient_names)))
      r.state = static_cast<recipient_state>(state);
    all.push_back(std::move(r));
  }
  return all;
}

std::optional<json> parsed(std::string_view text) {
  json j;
  std::string why;
  if (!parse_json(text, j, why, {.bytes_max = 16 * 1024 * 1024}) || !j.is_object()) return std::nullopt;
  return j;
}

}  // namespace

std::string_view to_string(event_state s) noexcept { return event_names[static_cast<std::size_t>(s)]; }
std::string_view to_string(recipient_state s) noexcept { return recipient_names[static_cast<std::size_t>(s)]; }

json to_json(const part& p) {
  json j{{"part_id", p.id}, {"content_name", p.name}, {"content_type", p.type}};
  if (!p.url.empty()) j["content_url"] = p.url;
  return j;
}

json to_json(const message_template& t) {
  json j{{"id", t.id}, {"origin", t.origin}, {"subject", t.subject}, {"parts", json::array()}};
  for (const auto& m : template_texts)
    if (!(t.*m.member).empty()) j[m.name] = t.*m.member;
  for (const auto& m : template_numbers)
    if (t.*m.member != 0) j[m.name] = t.*m.member;
  for (const auto& m : template_flags)
    if ((t.*m.member).has_value()) j[m.name] = *(t.*m.member);
  for (const auto& p : t.parts) j["parts"].push_back(to_json(p));
  return j;
}

json to_json(const event& e) {
  return {{"state", to_string(e.state)},  {"code", e.code},
          {"description", e.description}, {"gateway", e.gateway},
          {"timestamp", e.at_ms / 1000},  {"destinations", e.destinations}};
}

json to_json(const message& m) {
  json j{{"direction", m.is_inbound ? 1 : -1},
         {"destination", json::array()},
         {"cc", json::array()},
         {"bcc", json::array()},
         {"events_url", m.events_urls},
         {"ack_requested", m.ack_requested},
         {"dr_requested", m.dr_requested},
         {"rr_requested", m.rr_requested},
         {"created_ts", m.created_ms / 1000},
         {"processed_ts", m.processed_ms / 1000},
         {"template", to_json(m.content)}};
  for (const auto& t : message_texts) j[t.name] = m.*t.member;
  auto& recipients = j["recipients"] = json::array();
  for (const auto& r : m.recipients) {
    const auto* role = role_names[static_cast<std::size_t>(r.role)];
    j[role].push_back(r.number);
    recipients.push_back(
        {{"number", r.number}, {"role", role}, {"state", to_string(r.state)}, {"attempts", r.attempts}});
    if (!m.is_inbound) recipients.back()["gateway"] = r.group;
  }
  return j;
}

std::string to_text(const message& m) { return written(m); }
std::string to_text(const message_template& t) { return written(t); }
std::string to_text(const part& p) { return written(p); }
std::string to_text(const event& e) { return written(e); }

std::optional<message> message_from_text(std::string_view text) {
  const auto j = parsed(text);
  if (!j) return std::nullopt;
  message m;
  for (const auto& t : message_texts) read(*j, t.name, m.*t.member);
  std::int64_t direction = -1;
  read(*j, "direction", direction);
  m.is_inbound = direction > 0;
  read(*j, "ack_requested", m.ack_requested);
  read(*j, "dr_requested", m.dr_requested);
  read(*j, "rr_requested", m.rr_requested);
  read(*j, "created_ms", m.created_ms);
  read(*j, "processed_ms", m.processed_ms);
  read(*j, "forward_count", m.forward_count);
  read(*j, "first_event", m.first_event);
  m.recipients = recipients_of(*j);
  read(*j, "events_url", m.events_urls);
  read(*j, "relayed_as", m.relayed_as);
  if (const auto t = j->find("template"); t != j->end()) m.content = template_of(*t);
  return m;
}

std::optional<message_template> template_from_text(std::string_view text) {
  const auto j = parsed(text);
  if (!j) return std::nullopt;
  return template_of(*j);
}

std::optional<event> event_from_text(std::string_view text) {
  const auto j = parsed(text);
  if (!j) return std::nullopt;
  event e;
  std::string state;
  read(*j, "state", state);
  const auto* const name = std::ranges::find(event_names, std::string_view(state));
  if (name == std::ranges::end(event_names)) return std::nullopt;
  e.state = static_cast<event_state>(name - event_names);
  read(*j, "code", e.code);
  read(*j, "description", e.description);
  read(*j, "gateway", e.gateway);
  if (const auto all = j->find("destinations"); all != j->end() && all->is_array())
    for (const auto& d : *all)
      if (d.is_string()) e.destinations.push_back(d.get<std::string>());
  return e;
}

std::optional<part> part_from_text(std::string_view text) {
  const auto j = parsed(text);
  if (!j) return std::nullopt;
  return part_of(*j);
}

std::string callback_text(const event& e, std::string_view message_id) {
  auto j = to_json(e);
  j["message"] = message_id;
  return dump_json(j);
}

std::string received_text(const message& m, std::string_view media_prefix) {
  auto j = to_json(m);
  for (auto& p : j["template"]["parts"]) p["content_url"] = std::string(media_prefix) + p["part_id"].get<std::string>();
  return dump_json(j);
}

}  // namespace msgkit::app::mms
