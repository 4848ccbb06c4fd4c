#include "connectors/http_dialect_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "connectors/http_exchange.hpp"
#include "connectors/template_section.hpp"
#include "connectors/template_text.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr word<body_format> formats[] = {
    {"form", body_format::form}, {"json", body_format::json}, {"xml", body_format::xml}, {"text", body_format::text}};
constexpr word<wire_charset> charsets[] = {{"utf-8", wire_charset::utf8},
                                           {"iso-8859-1", wire_charset::latin1},
                                           {"us-ascii", wire_charset::ascii},
                                           {"utf-16be", wire_charset::utf16be}};
constexpr word<part_policy> policies[] = {
    {"whole", part_policy::whole}, {"plain", part_policy::plain}, {"udh", part_policy::udh}};
constexpr word<digest_kind> digests[] = {{"hmac-sha1", digest_kind::sha1}, {"hmac-sha256", digest_kind::sha256}};
constexpr word<bool> encodings[] = {{"hex", false}, {"base64", true}};
constexpr word<http_login> media_logins[] = {
    {"none", http_login::none}, {"basic", http_login::basic}, {"bearer", http_login::bearer}};

struct outcome_word {
  engine::attempt_outcome outcome;
  bool opted_out;
};
constexpr word<outcome_word> outcomes[] = {{"permanent", {engine::attempt_outcome::permanent, false}},
                                           {"temporary", {engine::attempt_outcome::temporary, false}},
                                           {"throttled", {engine::attempt_outcome::throttled, false}},
                                           {"opted_out", {engine::attempt_outcome::permanent, true}},
                                           {"unknown", {engine::attempt_outcome::unknown, false}}};
constexpr word<engine::message_state> states[] = {
    {"sending", engine::message_state::sending},     {"sent", engine::message_state::sent},
    {"delivered", engine::message_state::delivered}, {"undelivered", engine::message_state::undelivered},
    {"expired", engine::message_state::expired},     {"rejected", engine::message_state::rejected},
    {"canceled", engine::message_state::canceled},   {"unknown", engine::message_state::unknown}};

// ---- requests ------------------------------------------------------------------------------------------------------

// "https://host[:port]" and what follows. A URL without a host needs the carrier's base_url.
void read_url(template_section& s, http_dialect& d) {
  std::string url;
  if (!s.text("url", url, 2'048)) {
    if (!s.has("url")) s.fail("url", "is missing");
    return;
  }
  if (std::ranges::any_of(url, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; }))
    return s.fail("url", "must have no spaces and control characters; write them as %20");
  if (url.find('#') != std::string::npos) return s.fail("url", "must have no fragment");
  s.check_request("url", url);
  if (!url.starts_with('/')) {
    const auto scheme = url.find("://");
    const auto end = scheme == std::string::npos ? 0 : std::min(url.find_first_of("/?", scheme + 3), url.size());
    const auto host = scheme == std::string::npos ? std::string() : url.substr(scheme + 3, end - scheme - 3);
    if ((!url.starts_with("https://") && !url.starts_with("http://")) || host.empty() ||
        host.find_first_of("@$") != std::string::npos)
      return s.fail("url", "must be https://HOST/..., http://HOST/... or /..., with no name and no password in HOST");
    d.base_url = url.substr(0, end);
    url.erase(0, end);
  }
  d.path = url.starts_with('?') ? '/' + url : url;
}

// A value of a body or a query: a template, or {"number": template} or {"flag": template}.
void read_value(template_section& s, const std::string& key, const json& j, body_field& f) {
  std::string kind;
  if (j.is_object() && j.size() == 1 && (j.contains("number") || j.contains("flag"))) kind = j.begin().key();
  const auto& value = kind.empty() ? j : j.begin().value();
  if (!kind.empty()) f.as = kind == "flag" ? body_field::shape::flag : body_field::shape::number;
  if (!value.is_string()) return s.fail(key, "must be text, {\"number\": text} or {\"flag\": text}");
  if (!s.text_in(key, value, f.value)) return;
  s.check_request(key, f.value);
  if (f.value == "${media_urls}") f.as = body_field::shape::texts;
  else if (f.value.find("${media_urls}") != std::string::npos)
    s.fail(key, "${media_urls} is a list and must stand alone");
}

void read_fields(template_section& s, std::string_view key, const json& j, bool is_json, std::vector<body_field>& out) {
  if (!j.is_object()) return s.fail(key, "must be an object");
  if (j.size() > template_section::rows_max)
    return s.fail(key, fmt::format("must have at most {} items", template_section::rows_max));
  json shape = json::object();
  for (const auto& [name, value] : j.items()) {
    const auto path = fmt::format("{}.{}", key, name);
    body_field f{.name = is_json ? as_pointer(name) : name};
    read_value(s, path, value, f);
    if (name.empty() || name.size() > 256) s.fail(path, "must have a name of 1..256 octets");
    if (is_json && f.value.find("${udh}") != std::string::npos)
      s.fail(path, "${udh} is octets, which JSON cannot hold; use ${udh_hex}");
    if (is_json) {
      auto why = problem_of_pointer(f.name, 2);
      try {
        if (why.empty()) shape[json::json_pointer(f.name)] = "";
      } catch (const json::exception&) {
        why = "is in the way of another field, or its list has gaps";
      }
      if (!why.empty()) s.fail(path, why);
    }
    out.push_back(std::move(f));
  }
}

// A body that is one text must be JSON whatever is said in it.
void check_json_text(template_section& s, const http_dialect& d) {
  const auto sample = fill_template(d.body_text, [](std::string_view) { return "1"; });
  json parsed;
  std::string why;
  if (!parse_json(sample, parsed, why)) s.fail("body", "with its names filled in " + why);
}

void read_body(template_section& s, http_dialect& d) {
  const auto* const body = s.find("body");
  if (body == nullptr) {
    if (d.method != "GET") s.fail("body", "is missing");
    return;
  }
  if (body->is_object() && (d.format == body_format::form || d.format == body_format::json))
    return read_fields(s, "body", *body, d.format == body_format::json && d.method != "GET", d.body);
  if (!body->is_string())
    return s.fail("body", d.format == body_format::form || d.format == body_format::json
                              ? "must be an object of fields, or text"
                              : "must be text, for this format");
  if (d.method == "GET") return s.fail("body", "must be an object of fields: a GET has them in its query");
  if (!s.text("body", d.body_text, 8'192)) return;
  s.check_request("body", d.body_text);
  if (d.body_text.find("${media_urls}") != std::string::npos)
    s.fail("body", "${media_urls} is a list and needs a body that is an object of fields");
  if (d.format != body_format::form && d.body_text.find("${udh}") != std::string::npos)
    s.fail("body", "${udh} is octets and needs a form; use ${udh_hex}");
  if (d.format == body_format::json) check_json_text(s, d);
}

void read_headers(template_section& s, http_dialect& d) {
  s.object("headers", [&](template_section& h) {
    const auto* const all = s.find("headers");
    if (!all->is_object()) return;
    for (const auto& [name, value] : all->items()) {
      header_field f{.name = name};
      h.text(name, f.value, 1'024);
      if (!is_header_name(name)) h.fail(name, "must be named by letters, digits, - and _");
      for (const auto* ours : {"content-length", "host", "transfer-encoding", "connection", "expect"})
        if (iequals(name, ours)) h.fail(name, "is for the gateway to say");
      if (header_value(f.value) != f.value) h.fail(name, "must have no control characters");
      h.check_request(name, f.value);
      d.headers.push_back(std::move(f));
    }
  });
}

void check_signed_text(template_section& s, const std::string& text) {
  const auto known = [](std::string_view name) {
    return name == "body" || name == "timestamp" || name == "method" || name == "url" || name == "path";
  };
  if (const auto problem = check_template(text, known); !problem.empty())
    s.fail("signed", problem + "; the names are body, timestamp, method, url, path");
  if (text.find("${body}") == std::string::npos && text.find("${url}") == std::string::npos &&
      text.find("${path}") == std::string::npos)
    s.fail("signed", "must hold ${body}, ${url} or ${path}: nothing of the request would be signed");
}

void read_hmac(template_section& s, hmac_recipe& r) {
  s.header_name("header", r.header);
  s.text("prefix", r.prefix, 64);
  s.choice("encoding", r.is_base64, encodings);
  s.header_name("timestamp_header", r.timestamp_header);
  s.text("signed", r.signed_text, 512);
  check_signed_text(s, r.signed_text);
}

void read_auth(template_section& s, http_dialect& d) {
  s.object("auth", [&](template_section& a) {
    std::string type;
    a.text("type", type);
    const auto* const digest = std::ranges::find(digests, type, &word<digest_kind>::name);
    if (type == "none") d.login = http_login::none;
    else if (type == "basic") d.login = http_login::basic;
    else if (type == "bearer") d.login = http_login::bearer;
    else if (type == "header") {
      a.header_name("name", d.login_header);
      if (d.login_header.empty()) a.fail("name", "must be the header's name");
    } else if (type == "query") {
      std::string name;
      d.login = http_login::none;
      if (a.text("name", name, 256)) d.query.push_back({name, "${password}"});
      else a.fail("name", "must be the parameter's name");
    } else if (digest != std::end(digests)) {
      d.login = http_login::hmac;
      d.login_hmac.digest = digest->value;
      read_hmac(a, d.login_hmac);
    } else {
      a.fail("type", "must be one of none, basic, bearer, header, query, " + listed(digests));
    }
  });
}

void read_request(template_section& s, http_dialect& d) {
  std::string method;
  if (s.text("method", method)) {
    if (method == "POST" || method == "GET" || method == "PUT") d.method = method;
    else s.fail("method", "must be one of GET, POST, PUT");
  }
  s.choice("format", d.format, formats);
  s.choice("charset", d.charset, charsets);
  if (d.format == body_format::json && d.charset != wire_charset::utf8 && d.method != "GET")
    s.fail("charset", "must be utf-8 for JSON");
  read_url(s, d);
  if (const auto* const query = s.find("query")) read_fields(s, "query", *query, false, d.query);
  read_body(s, d);
  read_headers(s, d);
  read_auth(s, d);
  s.object("parts", [&](template_section& p) {
    p.choice("policy", d.parts, policies);
    p.number("characters_max", d.text_characters_max, 1, 10'000);
    if (p.has("characters_max") && d.parts != part_policy::whole)
      p.fail("characters_max", "is for texts that are sent whole");
  });
  s.number("window", d.window, 1, 1'000);
  s.number("answer_bytes_max", d.answer_octets_max, 1'024, 1024 * 1024);
  if (d.parts == part_policy::udh && !names(d, "udh") && !names(d, "udh_hex"))
    s.fail("parts.policy", "udh needs ${udh} or ${udh_hex} in the request");
}

// ---- answers -------------------------------------------------------------------------------------------------------

void read_meaning(template_section& s, bool is_answer, code_meaning& m) {
  s.text("code", m.code, 64);
  if (is_answer) {
    s.number("status", m.status, 100, 599);
    s.pattern("regex", m.pattern);
    s.number("retry_after", m.retry_after, 1, 3'600);
    if (!s.has("code") && !s.has("status") && !s.has("regex")) s.fail("", "must have code, status or regex");
  } else if (!s.has("code")) {
    s.fail("code", "is missing");
  }
  outcome_word o{m.outcome, m.opted_out};
  if (!s.has("outcome")) s.fail("outcome", "must be one of " + listed(outcomes));
  s.choice("outcome", o, outcomes);
  m.outcome = o.outcome;
  m.opted_out = o.opted_out;
}

void read_meanings(template_section& s, std::string_view key, bool is_answer, std::vector<code_meaning>& out) {
  s.list(key, template_section::rows_max, [&](const std::string& at, const json& each) {
    template_section row(each, s.path_of(at), s.errors());
    read_meaning(row, is_answer, out.emplace_back());
    row.close();
  });
}

void read_answers(template_section& s, http_dialect& d) {
  s.object("success", [&](template_section& a) {
    if (a.has("statuses")) d.accepted_statuses.clear();
    a.list("statuses", 20, [&](const std::string& at, const json& each) {
      if (!each.is_number_integer() || each < 200 || each > 299) a.fail(at, "must be a whole number of 200..299");
      else d.accepted_statuses.push_back(each.get<unsigned>());
    });
    if (!a.has("pointer") && !a.has("regex")) {
      if (a.find("equals")) a.fail("equals", "needs a pointer or a regex");
      return;
    }
    a.value_here(d.result);
    a.texts("equals", d.result_ok);
  });
  d.has_ids = s.has("id");
  s.value("id", d.carrier_id);
  s.value("error_code", d.error_code);
  s.value("error_text", d.error_text);
  read_meanings(s, "errors", true, d.errors);
}

// ---- webhooks ------------------------------------------------------------------------------------------------------

void read_inbound(template_section& s, http_dialect& d) {
  auto& f = d.inbound;
  f.media_url = "/url";
  s.pointer("event_id", f.event_id);
  for (const auto& [key, out] : {std::pair{"from", &f.from}, {"to", &f.to}})
    if (!s.pointer(key, *out) && !s.has(key)) s.fail(key, "is missing");
  s.pointer("text", f.text);
  s.pointer("media", f.media);
  s.pointer("media_url", f.media_url);
  s.pointer("media_count", f.media_count);
  s.pointer("subject", f.subject);
  s.pointer("recipients", f.recipients);
  s.pointer("recipient_number", f.recipient_number);
  s.pointer("copies", f.copies);
  s.pointer("part_reference", f.part_reference);
  s.pointer("part_number", f.part_number);
  s.pointer("part_total", f.part_total);
  s.texts("types", d.inbound_types);
}

void read_words(template_section& s, http_dialect& d) {
  const auto* const words = s.find("words");
  if (words == nullptr || !words->is_object() || words->empty() || words->size() > template_section::rows_max)
    return s.fail("words", fmt::format("must be an object of 1..{} words", template_section::rows_max));
  for (const auto& [key, value] : words->items()) {
    const auto* const known = value.is_string() ? std::ranges::find(states, value.get_ref<const std::string&>(),
                                                                    &word<engine::message_state>::name)
                                                : std::end(states);
    if (known == std::end(states)) s.fail("words." + key, "must be one of " + listed(states));
    else d.states.push_back({key, known->value});
  }
}

void read_status(template_section& s, http_dialect& d) {
  auto& f = d.status;
  s.pointer("event_id", f.event_id);
  for (const auto& [key, out] : {std::pair{"id", &f.carrier_id}, {"word", &f.word}})
    if (!s.pointer(key, *out) && !s.has(key)) s.fail(key, "is missing");
  s.pointer("code", f.code);
  s.pointer("text", f.text);
  s.texts("types", d.status_types);
  read_words(s, d);
  read_meanings(s, "errors", false, d.status_errors);
}

void read_signature(template_section& s, http_dialect& d) {
  d.signature = signature_recipe::none;
  const bool is_there = s.object("signature", [&](template_section& g) {
    std::string type;
    g.text("type", type);
    const auto* const digest = std::ranges::find(digests, type, &word<digest_kind>::name);
    if (type == "none") return;
    if (type == "basic") {
      d.signature = signature_recipe::basic;
    } else if (type == "token") {
      d.signature = signature_recipe::token;
      g.header_name("header", d.token_header);
      g.text("query", d.token_query, 64);
      if (g.has("header") == g.has("query")) g.fail("", "must have one of header and query");
    } else if (type == "addresses") {
      d.signature = signature_recipe::address;
      g.texts("addresses", d.addresses);
      if (!g.has("addresses")) g.fail("addresses", "is missing");
    } else if (digest != std::end(digests)) {
      d.signature = signature_recipe::hmac;
      d.signature_hmac.digest = digest->value;
      read_hmac(g, d.signature_hmac);
    } else {
      g.fail("type", "must be one of none, basic, token, addresses, " + listed(digests));
    }
  });
  if (!is_there && (s.has("inbound") || s.has("status"))) s.fail("signature", "is missing: who proves its webhooks?");
}

void read_webhooks(template_section& s, http_dialect& d) {
  s.pointer("events", d.events);
  s.pointer("event_type", d.event_type);
  s.object("inbound", [&](template_section& i) { read_inbound(i, d); });
  s.object("status", [&](template_section& i) { read_status(i, d); });
  if (!d.event_type.empty() && d.inbound_types.empty() && d.status_types.empty())
    s.fail("event_type", "needs types in inbound or status");
  if (d.event_type.empty() && (!d.inbound_types.empty() || !d.status_types.empty()))
    s.fail("event_type", "is missing: where do the types stand?");
  read_signature(s, d);
  s.number("webhook_bytes_max", d.webhook_octets_max, 1'024, 1024 * 1024);
  s.object("reply", [&](template_section& r) {
    r.number("status", d.reply_status, 200, 299);
    r.text("type", d.reply_type, 128);
    r.text("body", d.reply_body);
    if (header_value(d.reply_type) != d.reply_type) r.fail("type", "must have no control characters");
    if (r.has("body") != r.has("type")) r.fail("", "must have both body and type, or none of them");
    const auto known = [](std::string_view name) { return name == "event_id"; };
    if (const auto problem = check_template(d.reply_body, known); !problem.empty())
      r.fail("body", problem + "; the name is event_id");
  });
  s.object("media", [&](template_section& m) { m.choice("auth", d.media_login, media_logins); });
}

}  // namespace

http_dialect read_http_dialect(std::string_view text, std::vector<std::string>& errors) {
  http_dialect d{.name = std::string(generic_carrier_type), .login = http_login::none};
  json parsed;
  std::string why;
  if (!parse_json(text, parsed, why, {.bytes_max = dialect_json_octets_max, .depth_max = 8})) {
    errors.push_back("template: " + why);
    return d;
  }
  template_section s(parsed, "", errors);
  read_request(s, d);
  read_answers(s, d);
  read_webhooks(s, d);
  s.close();
  if (d.signature != signature_recipe::token && names(d, "webhook_token"))
    s.fail("signature", "must be token when the request names ${webhook_token}");
  return d;
}

}  // namespace msgkit::app
