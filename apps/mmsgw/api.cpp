#include "mmsgw/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/config_value.hpp"
#include "common/http_auth.hpp"
#include "common/json.hpp"
#include "common/log.hpp"
#include "mmsgw/model_json.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/media_type.hpp"
#include "msgkit/mm4/address.hpp"

namespace msgkit::app::mms {
namespace {

using nlohmann::json;

constexpr logger log_{"api"};
constexpr std::size_t parts_max = 100, recipients_max = 1'000, list_max = 1'000;

// Thrown by readers of a body, caught at the route: the one way out of nested reading.
struct refusal {
  unsigned status;
  std::string message;
};

http_response answer(unsigned status, const json& body) { return {.status = status, .body = dump_json(body)}; }

std::string text_of(const json& j, const char* name, std::size_t length_max = 1'024) {
  const auto at = j.find(name);
  if (at == j.end() || at->is_null()) return {};
  if (!at->is_string()) throw refusal{422, std::string(name) + " must be a string"};
  auto text = at->get<std::string>();
  if (text.size() > length_max || !mime::is_safe_value(text))
    throw refusal{422, std::string(name) + " is too long or has control characters"};
  return text;
}

void read_flag(const json& j, const char* name, std::optional<bool>& out) {
  const auto at = j.find(name);
  if (at == j.end()) return;
  if (at->is_null()) return out.reset();
  if (!at->is_boolean()) throw refusal{422, std::string(name) + " must be true or false"};
  out = at->get<bool>();
}

void read_time(const json& j, const char* name, std::int64_t& out) {
  const auto at = j.find(name);
  if (at == j.end()) return;
  constexpr std::int64_t latest = 32'503'680'000;  // the year 3000
  if (!at->is_number_integer() || at->get<std::int64_t>() < 0 || at->get<std::int64_t>() > latest)
    throw refusal{422, std::string(name) + " must be seconds, 0 or more"};
  out = at->get<std::int64_t>();
}

void read_choice(const json& j, const char* name, std::string& out, std::initializer_list<std::string_view> names) {
  if (!j.contains(name)) return;
  const auto text = mime::lower(text_of(j, name));
  if (!text.empty() && std::ranges::find(names, text) == names.end())
    throw refusal{422, std::string(name) + ": " + text + " is unknown"};
  out = text;
}

// "a, b" or ["a", "b"].
std::vector<std::string> list_of(const json& j, const char* name) {
  std::vector<std::string> all;
  const auto at = j.find(name);
  if (at == j.end() || at->is_null()) return all;
  const auto add = [&](std::string_view text) {
    text = mime::trim(text);
    if (!text.empty()) all.emplace_back(text);
  };
  if (at->is_array()) {
    for (const auto& one : *at) {
      if (!one.is_string()) throw refusal{422, std::string(name) + " must hold strings"};
      add(one.get_ref<const std::string&>());
    }
  } else if (at->is_string()) {
    for (std::string_view rest = at->get_ref<const std::string&>(); !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      add(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  } else {
    throw refusal{422, std::string(name) + " must be a string or a list"};
  }
  return all;
}

std::vector<std::string> urls_of(const json& j) {
  auto urls = list_of(j, "events_url");
  for (const auto& u : urls)
    if (!u.starts_with("http://") && !u.starts_with("https://")) throw refusal{422, "events_url must be http or https"};
  return urls;
}

struct fresh_media {
  std::string id, type, name, content;
};

bool is_media(const mime::media_type& t) {
  return t.is("application/smil") || t.type == "text" || t.type == "image" || t.type == "audio" || t.type == "video";
}

using part_finder = std::function<std::optional<part>(const std::string&)>;

// What it is, or the id of one made before.
part read_part(const json& j, std::vector<fresh_media>& media, std::size_t bytes_max, const part_finder& find) {
  if (j.is_string()) {
    if (auto known = find(j.get<std::string>())) return *std::move(known);
    throw refusal{422, "parts: " + j.get<std::string>() + " is no part"};
  }
  if (!j.is_object()) throw refusal{422, "a part must be an object or the id of one"};
  part p{.id = make_id()};
  const auto type = mime::parse_media_type(text_of(j, "content_type"));
  if (!j.contains("content_type") || !is_media(type))
    throw refusal{422, "content_type must be application/smil, text, image, audio or video"};
  p.type = mime::to_string(type);
  p.name = text_of(j, j.contains("content_name") ? "content_name" : "name", 128);
  const bool is_plain = std::ranges::all_of(
      p.name, [](unsigned char c) { return c > 32 && c < 127 && c != '"' && c != '<' && c != '>' && c != '/'; });
  if (!is_plain) throw refusal{422, "a part's name has printable ASCII without blanks, quotes, brackets and slashes"};
  if (p.name.empty()) p.name = p.id;
  p.url = text_of(j, "content_url", 2'048);
  const int given = static_cast<int>(j.contains("content")) + static_cast<int>(j.contains("content_base64")) +
                    static_cast<int>(!p.url.empty());
  if (given != 1) throw refusal{422, "a part has one of content, content_base64 and content_url"};
  if (!p.url.empty()) {
    if (!p.url.starts_with("http://") && !p.url.starts_with("https://") && !p.url.starts_with("file:///"))
      throw refusal{422, "content_url must be http, https or file"};
    return p;
  }
  const auto& text = j.contains("content") ? j["content"] : j["content_base64"];
  if (!text.is_string()) throw refusal{422, "content must be a string"};
  auto content = std::optional(text.get<std::string>());
  if (!j.contains("content")) content = base64_decode(*content);
  if (!content) throw refusal{422, "content_base64 is not base64"};
  if (content->size() > bytes_max) throw refusal{413, "a part is larger than " + std::to_string(bytes_max) + " octets"};
  media.push_back({p.id, p.type, p.name, *std::move(content)});
  return p;
}

// Fields that are there change; parts are added, or replace the old ones when the first is null.
void read_template(const json& j, message_template& t, std::vector<fresh_media>& media, std::size_t bytes_max,
                   const part_finder& find) {
  if (j.contains("origin")) t.origin = text_of(j, "origin", 256);
  if (j.contains("subject")) t.subject = text_of(j, "subject");
  read_flag(j, "show_sender", t.show_sender);
  read_flag(j, "drm", t.drm);
  read_flag(j, "content_adaptation", t.content_adaptation);
  read_flag(j, "can_redistribute", t.can_redistribute);
  read_time(j, "earliest_delivery", t.earliest_delivery);
  read_time(j, "latest_delivery", t.latest_delivery);
  read_time(j, "expire_after", t.expire_after);
  read_choice(j, "message_class", t.message_class, {"personal", "advertisement", "informational", "auto"});
  read_choice(
      j, "content_class", t.content_class,
      {"text", "image-basic", "image-rich", "video-basic", "video-rich", "megapixel", "content-basic", "content-rich"});
  read_choice(j, "charged_party", t.charged_party, {"sender", "recipient", "both", "neither", "thirdparty"});
  const auto parts = j.find("parts");
  if (parts == j.end()) return;
  if (!parts->is_array()) throw refusal{422, "parts must be a list"};
  for (std::size_t i = 0; i < parts->size(); ++i) {
    if (i == 0 && (*parts)[0].is_null()) t.parts.clear();
    else t.parts.push_back(read_part((*parts)[i], media, bytes_max, find));
  }
  if (t.parts.size() > parts_max) throw refusal{422, "more than " + std::to_string(parts_max) + " parts"};
  std::ranges::stable_partition(t.parts, [](const part& p) { return p.type.starts_with("application/smil"); });
}

class api {
 public:
  api(hub& h, api_options o) : hub_(h), options_(std::move(o)) {}

  // One function per route; they may throw refusal.
  http_response create(const http_request& r) {
    const auto j = body_of(r);
    message_template t{.id = make_id()};
    std::vector<fresh_media> media;
    read_template(j, t, media, hub_.options().part_bytes_max, finder());
    std::optional<message> m;
    if (const auto send = j.find("send"); send != j.end()) {
      if (!send->is_object()) throw refusal{422, "send must be an object"};
      m = message_for(t, *send);
    }
    save(t, media);
    auto out = to_json(t);
    if (m) {
      const auto id = hub_.submit(*std::move(m));
      if (id.empty()) throw refusal{503, "the store cannot commit"};
      out["message"] = id;
    }
    return answer(201, out);
  }
  http_response replace(const http_request& r) {
    auto t = template_of(r);
    const auto j = body_of(r);
    if (j.contains("send")) throw refusal{422, "send belongs to a new template"};
    std::vector<fresh_media> media;
    read_template(j, t, media, hub_.options().part_bytes_max, finder());
    save(t, media);
    return answer(200, to_json(t));
  }
  http_response read(const http_request& r) { return answer(200, to_json(template_of(r))); }
  http_response list(const http_request&) { return answer(200, {{"templates", hub_.data().template_ids(list_max)}}); }
  http_response remove(const http_request& r) {
    const auto t = template_of(r);
    if (!hub_.data().transaction([&] { return hub_.data().delete_template(t.id); }))
      throw refusal{503, "the store cannot commit"};
    return {.status = 204};
  }
  http_response create_part(const http_request& r) {
    std::vector<fresh_media> media;
    const auto j = body_of(r);
    const auto p = read_part(j, media, hub_.options().part_bytes_max, finder());
    auto& s = hub_.data();
    if (!s.transaction([&] { return put(media) && s.put_part(p, hub_.now_ms()); }))
      throw refusal{503, "the store cannot commit"};
    return answer(201, to_json(p));
  }
  http_response read_part_back(const http_request& r) {
    const auto p = hub_.data().get_part(std::string(r.path_parameter("id")));
    if (!p) throw missing("no such part");
    return answer(200, to_json(*p));
  }
  http_response send(const http_request& r) {
    auto m = message_for(template_of(r), body_of(r));
    const auto id = hub_.submit(std::move(m));
    if (id.empty()) throw refusal{503, "the store cannot commit"};
    return answer(202, whole(*hub_.data().get_message(id)));
  }
  http_response messages(bool is_inbound) {
    constexpr std::size_t newest_max = 100;
    return answer(200, {{"messages", hub_.data().message_ids(is_inbound, newest_max)}});
  }
  http_response cancel(const http_request& r) {
    const auto m = outbound_of(r);
    return changed(m, hub_.cancel(m));
  }
  // Fields as of a template; without `template` the message's own content is what they change.
  http_response replace_message(const http_request& r) {
    auto m = outbound_of(r);
    const auto j = body_of(r);
    auto content = m.content;
    if (const auto id = text_of(j, "template", 64); !id.empty()) {
      const auto t = hub_.data().get_template(id);
      if (!t) throw missing("no such template");
      content = *t;
    }
    std::vector<fresh_media> media;
    read_template(j, content, media, hub_.options().part_bytes_max, finder());
    if (!hub_.data().transaction([&] { return put(media); })) throw refusal{503, "the store cannot commit"};
    return changed(m, hub_.replace(m, std::move(content)));
  }
  // One record for each recipient, in the order of the messages; `after` is the last id of the page before.
  http_response records(const http_request& r) {
    const auto number = [&](const char* name, std::int64_t fallback, std::int64_t least, std::int64_t most) {
      const auto text = r.query_value(name);
      if (!text) return fallback;
      const auto n = parse_integer(*text);
      if (!n || *n < least || *n > most)
        throw refusal{422, fmt::format("{}: {} is not in {}..{}", name, *text, least, most)};
      return *n;
    };
    constexpr std::int64_t year_3000 = 32'503'680'000;
    const auto limit = number("limit", 100, 1, 1'000);
    const auto from = number("from", 0, 0, year_3000), to = number("to", year_3000, 0, year_3000);
    const auto page = hub_.data().message_page(r.query_value("after").value_or(""), from * 1'000, to * 1'000,
                                               static_cast<std::size_t>(limit));
    json all = json::array();
    for (const auto& id : page) {
      const auto m = hub_.data().get_message(id);
      if (!m) continue;
      const auto octets = hub_.data().media_octets(id);
      for (const auto& one : m->recipients)
        all.push_back({{"message", id},
                       {"created_ts", m->created_ms / 1'000},
                       {"direction", m->is_inbound ? 1 : -1},
                       {"origin", m->origin},
                       {"recipient", one.number},
                       {"state", to_string(one.state)},
                       {"attempts", one.attempts},
                       {"group", m->is_inbound ? m->group : one.group},
                       {"gateway_id", m->gateway_id},
                       {"linked_id", m->linked_id},
                       {"charged_party", m->content.charged_party},
                       {"parts", m->content.parts.size()},
                       {"octets", octets}});
    }
    return answer(200, {{"records", all}, {"next", page.size() < static_cast<std::size_t>(limit) ? "" : page.back()}});
  }
  http_response message_read(const http_request& r, bool is_inbound) {
    const auto m = hub_.data().get_message(std::string(r.path_parameter("id")));
    if (!m || m->is_inbound != is_inbound) throw missing("no such message");
    return answer(200, whole(*m));
  }
  http_response respond(const http_request& r, answer_kind kind) {
    const auto m = hub_.data().get_message(std::string(r.path_parameter("id")));
    if (!m || !m->is_inbound) throw missing("no such message");
    const auto j = body_of(r);
    const auto status = text_of(j, "status", 3);
    if (status.size() != 3 || !std::ranges::all_of(status, [](char c) { return c >= '0' && c <= '9'; }))
      throw refusal{422, "status must be a code such as 200"};
    auto about = list_of(j, "applies_to");
    if (about.empty() && kind != answer_kind::acknowledgement)
      for (const auto& one : m->recipients) about.push_back(one.number);
    if (kind == answer_kind::acknowledgement) about = {""};
    for (const auto& number : about) {
      const bool is_known = number.empty() || std::ranges::any_of(m->recipients, [&](const recipient& one) {
                              return one.number == number;
                            });
      if (!is_known) throw refusal{422, "applies_to: " + number + " is no recipient"};
    }
    for (const auto& number : about)
      if (!hub_.order({.message_id = m->id,
                       .gateway = m->gateway_id,
                       .kind = kind,
                       .recipient = number,
                       .code = status,
                       .description = text_of(j, "description")}))
        throw refusal{503, "the store cannot commit"};
    return answer(202, {{"message", m->id}, {"queued", about.size()}});
  }
  http_response media(const http_request& r) {
    auto found = hub_.data().get_media(std::string(r.path_parameter("id")));
    if (!found) throw missing("no such part");
    http_response out{.status = 200, .body = std::move(found->content), .content_type = found->type};
    // What a stranger sent must not run in the application's origin.
    out.fields.push_back({"X-Content-Type-Options", "nosniff"});
    out.fields.push_back({"Content-Security-Policy", "sandbox; default-src 'none'"});
    out.fields.push_back({"Content-Disposition", "attachment; filename=" + mime::quote_parameter(found->name)});
    return out;
  }
  http_response dead(const http_request&) {
    json all = json::array();
    for (const auto& c : hub_.data().dead_callbacks(list_max))
      all.push_back({{"id", c.id}, {"url", c.url}, {"attempts", c.attempts}, {"body", c.body}});
    return answer(200, {{"callbacks", all}});
  }
  http_response revive(const http_request&) {
    if (!hub_.data().revive_callbacks(hub_.now_ms())) throw refusal{503, "the store cannot commit"};
    hub_.wake();
    return {.status = 202, .body = "{}"};
  }

 private:
  message outbound_of(const http_request& r) {
    auto m = hub_.data().get_message(std::string(r.path_parameter("id")));
    if (!m || m->is_inbound) throw missing("no such message");
    return *std::move(m);
  }
  static http_response changed(const message& m, const std::optional<change_result>& c) {
    if (!c) throw refusal{503, "the store cannot commit"};
    if (c->done.empty() && c->asked.empty()) throw refusal{409, "nobody waits for it any more"};
    return answer(202, {{"message", m.id}, {"done", c->done}, {"asked", c->asked}, {"too_late", c->too_late}});
  }
  [[nodiscard]] refusal missing(const char* what) const {
    if (hub_.data().has_failed()) return {503, "the store does not answer"};
    return {404, what};
  }
  static json body_of(const http_request& r) {
    json j;
    std::string why;
    if (!parse_json(r.body, j, why, {.bytes_max = r.body.size() + 1})) throw refusal{400, why};
    if (!j.is_object()) throw refusal{400, "the body must be a JSON object"};
    return j;
  }
  message_template template_of(const http_request& r) {
    auto t = hub_.data().get_template(std::string(r.path_parameter("id")));
    if (!t) throw missing("no such template");
    return *std::move(t);
  }
  void save(const message_template& t, const std::vector<fresh_media>& media) {
    auto& s = hub_.data();
    if (!s.transaction([&] { return put(media) && s.put_template(t, hub_.now_ms()); }))
      throw refusal{503, "the store cannot commit"};
  }
  bool put(const std::vector<fresh_media>& media) {
    return std::ranges::all_of(
        media, [&](const fresh_media& m) { return hub_.data().put_media(m.id, m.type, m.name, m.content); });
  }
  part_finder finder() {
    return [this](const std::string& id) { return hub_.data().get_part(id); };
  }
  message message_for(const message_template& t, const json& j) {
    message m{.content = t};
    m.group = text_of(j, "gateway", 128);
    const auto& by_default = hub_.options();
    if (m.group.empty() && !by_default.routes.names(application_name)) m.group = by_default.default_group;
    if (!m.group.empty() && !hub_.has_group(m.group)) throw refusal{422, "gateway: there is no group " + m.group};
    m.origin = text_of(j, "origin", 256);
    if (m.origin.empty()) m.origin = t.origin;
    if (m.origin.empty()) throw refusal{422, "origin is in neither template nor message"};
    read_choice(j, "priority", m.priority, {"low", "normal", "high"});
    m.linked_id = text_of(j, "linked_id", 256);
    m.events_urls = urls_of(j);
    m.ack_requested = m.dr_requested = m.rr_requested = true;
    constexpr std::pair<const char*, recipient_role> lists[] = {
        {"destination", recipient_role::to}, {"cc", recipient_role::cc}, {"bcc", recipient_role::bcc}};
    for (const auto& [name, role] : lists) {
      for (auto& number : list_of(j, name)) {
        if (!mm4::parse_address(number)) throw refusal{422, std::string(name) + ": " + number + " is no address"};
        const bool is_there = std::ranges::any_of(m.recipients, [&](const recipient& r) { return r.number == number; });
        if (!is_there) m.recipients.push_back({.number = std::move(number), .role = role});
      }
    }
    if (m.recipients.empty()) throw refusal{422, "destination, cc and bcc are empty"};
    if (m.recipients.size() > recipients_max)
      throw refusal{422, "more than " + std::to_string(recipients_max) + " recipients"};
    const auto kept_until = hub_.now_ms() + hub_.options().message_lifetime.count();
    if (t.earliest_delivery * 1'000 >= kept_until) throw refusal{422, "earliest_delivery is beyond message_ttl"};
    if (t.latest_delivery != 0 && t.latest_delivery * 1'000 <= hub_.now_ms())
      throw refusal{422, "latest_delivery is over"};
    return m;
  }
  json whole(const message& m) {
    auto j = to_json(m);
    for (auto& p : j["template"]["parts"])
      if (!p.contains("content_url")) p["content_url"] = hub_.options().media_prefix + p["part_id"].get<std::string>();
    j["events"] = json::array();
    for (const auto& text : hub_.data().events(m.id)) {
      j["events"].push_back(json::parse(text, nullptr, false));
      const auto e = event_from_text(text);
      if (!e || e->state != event_state::read) continue;
      for (auto& one : j["recipients"])
        if (std::ranges::find(e->destinations, one["number"].get<std::string>()) != e->destinations.end())
          one["read"] = e->code == "200" ? "read" : "deleted";
    }
    return j;
  }

  hub& hub_;
  api_options options_;
};

}  // namespace

void add_api(http_router& router, hub& h, const mailbox& box, const api_options& options) {
  const auto a = std::make_shared<api>(h, options);
  http_route_options route{.body_bytes_max = options.request_bytes_max};
  if (!options.api_key.empty()) route.guard = require_api_key("mmsgw", options.api_key);
  const auto add = [&](std::string_view method, const std::string& pattern, auto work) {
    const auto answer_to = [a, work](const http_request& r) -> http_response {
      try {
        return work(*a, r);
      } catch (const refusal& no) {
        return http_error(no.status, no.message);
      } catch (const std::exception& e) {
        log_.error("a request failed", {{"path", r.path}, {"reason", e.what()}});
        return http_error(500, "internal error");
      }
    };
    router.add(
        method, "/mmsgw/v1" + pattern,
        [box, answer_to](http_request r, http_responder responder) {
          box.post([r = std::move(r), responder = std::move(responder), answer_to] { responder.send(answer_to(r)); });
        },
        route);
  };
  add("POST", "/mms", [](api& x, const http_request& r) { return x.create(r); });
  add("GET", "/mms", [](api& x, const http_request& r) { return x.list(r); });
  // Before what would take their names for ids.
  add("GET", "/mms/outbound", [](api& x, const http_request&) { return x.messages(false); });
  add("GET", "/mms/inbound", [](api& x, const http_request&) { return x.messages(true); });
  add("PUT", "/mms/{id}", [](api& x, const http_request& r) { return x.replace(r); });
  add("GET", "/mms/{id}", [](api& x, const http_request& r) { return x.read(r); });
  add("DELETE", "/mms/{id}", [](api& x, const http_request& r) { return x.remove(r); });
  add("POST", "/mms_part", [](api& x, const http_request& r) { return x.create_part(r); });
  add("GET", "/mms_part/{id}", [](api& x, const http_request& r) { return x.read_part_back(r); });
  add("POST", "/mms/outbound/{id}", [](api& x, const http_request& r) { return x.send(r); });
  add("GET", "/mms/outbound/{id}", [](api& x, const http_request& r) { return x.message_read(r, false); });
  add("GET", "/mms/inbound/{id}", [](api& x, const http_request& r) { return x.message_read(r, true); });
  add("DELETE", "/mms/outbound/{id}", [](api& x, const http_request& r) { return x.cancel(r); });
  add("POST", "/mms/outbound/{id}/cancel", [](api& x, const http_request& r) { return x.cancel(r); });
  add("PUT", "/mms/outbound/{id}", [](api& x, const http_request& r) { return x.replace_message(r); });
  add("GET", "/records", [](api& x, const http_request& r) { return x.records(r); });
  add("POST", "/mms/inbound/ack/{id}",
      [](api& x, const http_request& r) { return x.respond(r, answer_kind::acknowledgement); });
  add("POST", "/mms/inbound/dr/{id}",
      [](api& x, const http_request& r) { return x.respond(r, answer_kind::delivery_report); });
  add("POST", "/mms/inbound/rr/{id}",
      [](api& x, const http_request& r) { return x.respond(r, answer_kind::read_report); });
  add("GET", "/media/{id}", [](api& x, const http_request& r) { return x.media(r); });
  add("GET", "/callbacks/dead", [](api& x, const http_request& r) { return x.dead(r); });
  add("POST", "/callbacks/retry", [](api& x, const http_request& r) { return x.revive(r); });
  add("GET", "/test", [](api&, const http_request&) { return http_text(200, "mmsgw is here"); });
}

}  // namespace msgkit::app::mms
