#include "connectors/http_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/http_auth.hpp"
#include "common/json.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using shape = body_field::shape;

constexpr std::size_t error_text_octets_max = 256;
constexpr std::size_t media_max = 10;
constexpr std::size_t recipients_max = 100;
constexpr std::size_t events_max = 1'000;

// ---- templates -----------------------------------------------------------------------------------------------------

struct values {
  const http_carrier_account& account;
  const outbound_text& message;
};

struct template_name {
  std::string_view name;
  std::string (*value)(const values&);
};
constexpr std::array<template_name, 17> template_names{{
    {"from", [](const values& v) { return v.message.from_is_number ? '+' + v.message.from : v.message.from; }},
    {"to", [](const values& v) { return '+' + v.message.to; }},
    {"from_digits", [](const values& v) { return v.message.from; }},
    {"to_digits", [](const values& v) { return v.message.to; }},
    {"text", [](const values& v) { return v.message.text; }},
    {"text_type", [](const values& v) { return std::string(v.message.is_gsm7 ? "text" : "unicode"); }},
    {"id", [](const values& v) { return v.message.id; }},
    {"username", [](const values& v) { return v.account.username; }},
    {"password", [](const values& v) { return v.account.password; }},
    {"account", [](const values& v) { return v.account.account.empty() ? v.account.username : v.account.account; }},
    {"profile_id", [](const values& v) { return v.account.profile_id; }},
    {"callback_url", [](const values& v) { return v.message.callback_url; }},
    {"validity_secs",
     [](const values& v) {
       return v.message.validity_secs == 0 ? std::string() : std::to_string(v.message.validity_secs);
     }},
    {"media_urls", [](const values&) { return std::string(); }},  // stands for a list: see shape::texts
    {"subject",
     [](const values& v) {
       return v.message.media_urls.empty() && v.message.group.empty() ? std::string() : v.message.subject;
     }},
    {"mms", [](const values& v) { return std::string(v.message.media_urls.empty() ? "" : "mms"); }},
    {"media_count", [](const values& v) { return std::to_string(v.message.media_urls.size()); }},
}};

const template_name* find_name(std::string_view name) {
  const auto found = std::ranges::find(template_names, name, &template_name::name);
  return found == template_names.end() ? nullptr : &*found;
}

// Calls `text(literal)` and `value(name)` in the template's order; false when a "${" is not closed.
template <class Text, class Value>
bool walk(std::string_view t, const Text& text, const Value& value) {
  while (!t.empty()) {
    const auto open = std::min(t.find("${"), t.size());
    if (open > 0) text(t.substr(0, open));
    if (open == t.size()) return true;
    const auto close = t.find('}', open);
    if (close == std::string_view::npos) return false;
    value(t.substr(open + 2, close - open - 2));
    t.remove_prefix(close + 1);
  }
  return true;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

template <class Encode>
std::string expand(std::string_view t, const values& v, const Encode& encode) {
  std::string out;
  walk(
      t, [&](std::string_view literal) { out += literal; },
      [&](std::string_view name) {
        if (const auto* const n = find_name(name)) out += encode(n->value(v));
      });
  return out;
}

std::string plain(std::string text) { return text; }

// ---- requests ------------------------------------------------------------------------------------------------------

std::string form_body(const http_dialect& d, const values& v) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!out.empty()) out += '&';
    out += percent_encode(name) + '=' + percent_encode(value);
  };
  for (const auto& f : d.body) {
    if (f.as == shape::texts)
      for (const auto& url : v.message.media_urls) add(f.name, url);
    else add(f.name, expand(f.value, v, plain));
  }
  return out;
}

json json_value(const body_field& f, const values& v) {
  if (f.as == shape::texts) return v.message.media_urls.empty() ? json() : json(v.message.media_urls);
  const auto text = expand(f.value, v, plain);
  if (text.empty()) return {};
  if (f.as == shape::flag) return true;
  if (f.as == shape::number) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? json(number) : json();
  }
  return text;
}

std::string json_body(const http_dialect& d, const values& v) {
  json out = json::object();
  const auto is_for_one = [&](const std::string& name) {
    return name == d.group_to || name.starts_with(d.group_to + '/') ||
           std::ranges::find(d.group_leaves_out, name) != d.group_leaves_out.end();
  };
  const auto& group = v.message.group;
  for (const auto& f : d.body) {
    if (!group.empty() && is_for_one(f.name)) continue;
    if (auto value = json_value(f, v); !value.is_null()) out[json::json_pointer(f.name)] = std::move(value);
  }
  auto to = json::array();
  for (const auto& number : group) to.push_back('+' + number);
  if (!to.empty()) out[json::json_pointer(d.group_to)] = std::move(to);
  return dump_json(out);
}

void add_login(std::vector<http_field>& fields, http_login how, const http_carrier_account& a) {
  if (how == http_login::basic)
    fields.push_back({"Authorization", "Basic " + base64_encode(a.username + ':' + a.password)});
  else if (how == http_login::bearer) fields.push_back({"Authorization", "Bearer " + a.password});
}

// ---- answers -------------------------------------------------------------------------------------------------------

// The scalar at a pointer as text; empty when there is none.
std::string text_at(const json& in, const std::string& pointer) {
  if (pointer.empty()) return {};
  try {
    const json::json_pointer p(pointer);
    if (!in.contains(p)) return {};
    const auto& value = in.at(p);
    if (value.is_string()) return value.get<std::string>();
    return value.is_primitive() && !value.is_null() ? value.dump() : std::string();
  } catch (const json::exception&) {
    return {};  // "/to/0" where `to` is an object, and the like
  }
}

std::string cut(std::string text) {
  if (text.size() > error_text_octets_max) text.resize(error_text_octets_max);
  return text;
}

const code_meaning* find_meaning(const std::vector<code_meaning>& in, const std::string& code) {
  for (const auto& m : in)
    if (m.code == code && !code.empty()) return &m;
  for (const auto& m : in)
    if (m.code.empty()) return &m;
  return nullptr;
}

engine::attempt_outcome outcome_of_status(unsigned status) {
  using enum engine::attempt_outcome;
  constexpr unsigned request_timeout = 408, too_early = 425, too_many_requests = 429, server_error = 500;
  if (status == too_many_requests) return throttled;
  // Wrong credentials are an operator's mistake that will be mended: the message waits.
  const bool is_ours = status == 401 || status == 403 || status == 407;
  if (status >= server_error || status == request_timeout || status == too_early || is_ours) return temporary;
  return permanent;
}

// 0 for anything but a number.
std::uint32_t number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

// ---- webhooks ------------------------------------------------------------------------------------------------------

json flat(const std::vector<std::pair<std::string, std::string>>& form) {
  json out = json::object();
  for (const auto& [key, value] : form)
    if (!out.contains(key)) out[key] = value;
  return out;
}

bool looks_like_json(const http_request& r) {
  const auto start = r.body.find_first_not_of(" \t\r\n");
  return start != std::string::npos && (r.body[start] == '{' || r.body[start] == '[');
}

bool body_of(const http_request& r, json& out, std::string& why) {
  if (r.body.empty()) {
    out = flat(parse_form(r.query));
    return true;
  }
  if (looks_like_json(r)) return parse_json(r.body, out, why);
  out = flat(parse_form(r.body));
  return true;
}

std::vector<std::string> media_of(const json& event, const inbound_fields& f) {
  std::vector<std::string> out;
  if (f.media.empty()) return out;
  const json::json_pointer list(f.media);
  if (event.contains(list) && event.at(list).is_array()) {
    for (const auto& item : event.at(list)) {
      auto url = item.is_string() ? item.get<std::string>() : text_at(item, f.media_url);
      if (!url.empty() && out.size() < media_max) out.push_back(std::move(url));
    }
    return out;
  }
  for (std::size_t i = 0; i < media_max; ++i) {  // MediaUrl0, MediaUrl1, ...
    auto url = text_at(event, f.media + std::to_string(i));
    if (url.empty()) break;
    out.push_back(std::move(url));
  }
  return out;
}

void add_numbers(const json& event, const std::string& pointer, const std::string& number,
                 std::vector<std::string>& out) {
  if (pointer.empty() || !event.is_structured()) return;
  const json::json_pointer list(pointer);
  if (!event.contains(list) || !event.at(list).is_array()) return;
  for (const auto& item : event.at(list)) {
    auto text = item.is_string() ? item.get<std::string>() : text_at(item, number);
    if (!text.empty() && out.size() < recipients_max && std::ranges::find(out, text) == out.end())
      out.push_back(std::move(text));
  }
}

// All whom it went to; none when it went to one alone.
std::vector<std::string> recipients_of(const json& event, const inbound_fields& f) {
  std::vector<std::string> out;
  add_numbers(event, f.recipients, f.recipient_number, out);
  add_numbers(event, f.copies, f.recipient_number, out);
  if (out.size() < 2) out.clear();
  return out;
}

std::optional<inbound_part> part_of(const json& event, const inbound_fields& f) {
  inbound_part part{.reference = text_at(event, f.part_reference),
                    .number = number_of(text_at(event, f.part_number)),
                    .total = number_of(text_at(event, f.part_total))};
  constexpr std::uint32_t parts_max = 255;
  if (part.reference.empty() || part.total < 2 || part.total > parts_max || part.number < 1 || part.number > part.total)
    return std::nullopt;
  return part;
}

void read_text(const json& event, const inbound_fields& f, webhook_events& out) {
  inbound_text t{.event_id = text_at(event, f.event_id),
                 .from = text_at(event, f.from),
                 .to = text_at(event, f.to),
                 .text = text_at(event, f.text),
                 .subject = text_at(event, f.subject),
                 .media_urls = media_of(event, f),
                 .recipients = recipients_of(event, f),
                 .part = part_of(event, f)};
  if (t.event_id.empty() || t.from.empty() || t.to.empty()) ++out.ignored;
  else out.texts.push_back(std::move(t));
}

void read_status(const json& event, const http_dialect& d, webhook_events& out) {
  inbound_status s{.event_id = text_at(event, d.status.event_id),
                   .carrier_id = text_at(event, d.status.carrier_id),
                   .word = text_at(event, d.status.word),
                   .code = text_at(event, d.status.code),
                   .text = cut(text_at(event, d.status.text))};
  const auto known = std::ranges::find(d.states, s.word, &state_meaning::word);
  if (s.carrier_id.empty() || known == d.states.end()) {
    ++out.ignored;
    return;
  }
  // One event of its own for each word, so that a repeated webhook is known as such.
  if (s.event_id.empty()) s.event_id = s.carrier_id + '/' + s.word;
  s.state = known->state;
  s.is_final = engine::is_final(s.state);
  if (const auto* const m = find_meaning(d.status_errors, s.code)) s.opted_out = m->opted_out;
  out.statuses.push_back(std::move(s));
}

void read_event(const json& event, const http_dialect& d, webhook_events& out) {
  if (d.event_type.empty())
    return text_at(event, d.status.word).empty() ? read_text(event, d.inbound, out) : read_status(event, d, out);
  const auto type = text_at(event, d.event_type);
  if (std::ranges::find(d.inbound_types, type) != d.inbound_types.end()) return read_text(event, d.inbound, out);
  if (std::ranges::find(d.status_types, type) != d.status_types.end()) return read_status(event, d, out);
  ++out.ignored;
}

}  // namespace

const std::string& base_url_of(const http_dialect& dialect, const http_carrier_account& account) {
  return account.base_url.empty() ? dialect.base_url : account.base_url;
}

std::vector<http_field> media_login(const http_dialect& dialect, const http_carrier_account& account) {
  std::vector<http_field> fields;
  add_login(fields, dialect.media_login, account);
  return fields;
}

http_call make_call(const http_dialect& dialect, const http_carrier_account& account, const outbound_text& message) {
  const values v{account, message};
  http_call call;
  auto base = base_url_of(dialect, account);
  while (base.ends_with('/')) base.pop_back();
  call.url = base + expand(message.group.empty() ? dialect.path : dialect.group_path, v, percent_encode);
  const bool is_form = dialect.format == body_format::form;
  call.fields.push_back({"Content-Type", is_form ? "application/x-www-form-urlencoded" : "application/json"});
  call.fields.push_back({"Accept", "application/json"});
  if (dialect.login_header.empty()) add_login(call.fields, dialect.login, account);
  else call.fields.push_back({dialect.login_header, account.password});
  call.body = is_form ? form_body(dialect, v) : json_body(dialect, v);
  return call;
}

call_result read_answer(const http_dialect& dialect, unsigned status, std::string_view retry_after,
                        std::string_view body) {
  json parsed;
  std::string why;
  const bool readable = parse_json(body, parsed, why);
  call_result out{.code = text_at(parsed, dialect.error_code), .text = cut(text_at(parsed, dialect.error_text))};
  const bool accepted = std::ranges::find(dialect.accepted_statuses, status) != dialect.accepted_statuses.end();
  const bool good = accepted && readable &&
                    (dialect.result_code.empty() || text_at(parsed, dialect.result_code) == dialect.result_ok);
  if (good) {
    out.carrier_id = text_at(parsed, dialect.carrier_id);
    // Taken, but nameless: no receipt will ever find it.
    out.outcome = out.carrier_id.empty() ? engine::attempt_outcome::unknown : engine::attempt_outcome::sent;
    if (out.carrier_id.empty()) out.text = "the carrier's answer has no message id";
    return out;
  }
  if (accepted && !readable) {
    out.text = "the carrier's answer " + why;
    return out;
  }
  if (out.code.empty()) out.code = std::to_string(status);
  const auto* const meaning = find_meaning(dialect.errors, out.code);
  out.outcome = meaning != nullptr ? meaning->outcome
                : accepted         ? engine::attempt_outcome::permanent
                                   : outcome_of_status(status);
  out.opted_out = meaning != nullptr && meaning->opted_out;
  constexpr std::uint32_t retry_after_max = 3'600;
  out.retry_after = std::min(number_of(retry_after), retry_after_max);
  return out;
}

bool read_webhook(const http_dialect& dialect, const http_request& request, webhook_events& out, std::string& why) {
  json parsed;
  if (!body_of(request, parsed, why)) return false;
  const json* events = &parsed;
  if (!dialect.events.empty()) {
    const json::json_pointer at(dialect.events);
    if (!parsed.is_structured() || !parsed.contains(at)) {
      why = "has no " + dialect.events;
      return false;
    }
    events = &parsed.at(at);
  }
  if (!events->is_array()) {
    read_event(*events, dialect, out);
    return true;
  }
  if (events->size() > events_max) {
    why = fmt::format("has more than {} events", events_max);
    return false;
  }
  for (const auto& event : *events) read_event(event, dialect, out);
  return true;
}

http_response webhook_reply(const http_dialect& dialect) {
  if (dialect.reply_type.empty()) return {.status = 204};
  return {.status = 200, .body = dialect.reply_body, .content_type = dialect.reply_type};
}

std::string check(const http_dialect& dialect) {
  const auto check_template = [](const std::string& key, std::string_view t) -> std::string {
    std::string problem;
    const bool closed = walk(
        t, [](std::string_view) {},
        [&](std::string_view name) {
          if (find_name(name) == nullptr) problem = fmt::format("{}: unknown name ${{{}}}", key, name);
        });
    return closed ? problem : key + ": a ${ is not closed";
  };
  if (auto problem = check_template("path", dialect.path); !problem.empty()) return problem;
  if (!dialect.path.starts_with('/')) return "path: must begin with /";
  for (const auto& f : dialect.body) {
    if (auto problem = check_template("body." + f.name, f.value); !problem.empty()) return problem;
    if (dialect.format == body_format::json && !f.name.starts_with('/'))
      return fmt::format("body.{}: is not a pointer; write /{}", f.name, f.name);
  }
  return {};
}

}  // namespace msgkit::app
