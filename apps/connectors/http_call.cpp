// Requests to carriers; their answers are in http_exchange.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/http_auth.hpp"
#include "common/json.hpp"
#include "connectors/http_exchange.hpp"
#include "connectors/template_text.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using shape = body_field::shape;

// ---- names of templates --------------------------------------------------------------------------------------------

struct values {
  const http_carrier_account& account;
  const outbound_text& message;
};

std::string number_or_empty(std::uint64_t n) { return n == 0 ? std::string() : std::to_string(n); }

struct template_name {
  std::string_view name;
  std::string (*value)(const values&);
};
// docs/carriers.md explains them.
constexpr template_name template_names[] = {
    {"from", [](const values& v) { return v.message.from_is_number ? '+' + v.message.from : v.message.from; }},
    {"to", [](const values& v) { return '+' + v.message.to; }},
    {"from_digits", [](const values& v) { return v.message.from; }},
    {"to_digits", [](const values& v) { return v.message.to; }},
    {"text", [](const values& v) { return v.message.text; }},
    {"text_type", [](const values& v) { return std::string(v.message.is_gsm7 ? "text" : "unicode"); }},
    {"coding", [](const values& v) { return std::string(v.message.is_gsm7 ? "0" : "2"); }},
    {"id", [](const values& v) { return v.message.id; }},
    {"username", [](const values& v) { return v.account.username; }},
    {"password", [](const values& v) { return v.account.password; }},
    {"account", [](const values& v) { return v.account.account.empty() ? v.account.username : v.account.account; }},
    {"profile_id", [](const values& v) { return v.account.profile_id; }},
    {"callback_url", [](const values& v) { return v.message.callback_url; }},
    {"webhook_token", [](const values& v) { return v.account.webhook_token; }},
    {"validity_secs", [](const values& v) { return number_or_empty(v.message.validity_secs); }},
    {"validity_minutes", [](const values& v) { return number_or_empty((v.message.validity_secs + 59) / 60); }},
    {"timestamp", [](const values& v) { return std::to_string(v.message.unix_time); }},
    {"media_urls", [](const values&) { return std::string(); }},  // stands for a list: see shape::texts
    {"subject",
     [](const values& v) {
       return v.message.media_urls.empty() && v.message.group.empty() ? std::string() : v.message.subject;
     }},
    {"mms", [](const values& v) { return std::string(v.message.media_urls.empty() ? "" : "mms"); }},
    {"media_count", [](const values& v) { return std::to_string(v.message.media_urls.size()); }},
    {"part_number", [](const values& v) { return std::to_string(v.message.part_number); }},
    {"part_total", [](const values& v) { return std::to_string(v.message.part_total); }},
    {"part_reference", [](const values& v) { return std::to_string(v.message.part_reference); }},
    {"udh", [](const values& v) { return v.message.header; }},
    {"udh_hex", [](const values& v) { return to_hex(as_bytes(v.message.header)); }},
};

std::string value_of(std::string_view name, const values& v) {
  const auto* const found = std::ranges::find(template_names, name, &template_name::name);
  return found == std::end(template_names) ? std::string() : found->value(v);
}

template <class Encode>
std::string expand(std::string_view t, const values& v, const Encode& encode) {
  return fill_template(t, [&](std::string_view name) { return encode(value_of(name, v)); });
}

std::string plain(std::string text) { return text; }

// ---- charsets ------------------------------------------------------------------------------------------------------

struct charset_row {
  smpp::charset alphabet;
  std::string_view name;  // as MIME has it
};
constexpr std::array<charset_row, 4> charsets{{{smpp::charset::utf8, "utf-8"},
                                               {smpp::charset::latin1, "iso-8859-1"},
                                               {smpp::charset::ascii, "us-ascii"},
                                               {smpp::charset::ucs2, "utf-16be"}}};
const charset_row& row_of(wire_charset c) { return charsets[static_cast<std::size_t>(c)]; }

// The text in the charset's octets; `problem` says when it has no place there.
std::string in_charset(std::string_view utf8, wire_charset c, std::string& problem) {
  if (c == wire_charset::utf8 || utf8.empty()) return std::string(utf8);
  const auto octets = smpp::encode_text(utf8, {.alphabet = row_of(c).alphabet});
  if (octets) return std::string(as_text(*octets));
  problem = fmt::format("the text cannot be said in {}", row_of(c).name);
  return {};
}

// ---- bodies --------------------------------------------------------------------------------------------------------

// Only texts have a charset: names, numbers and our words are ASCII. A UDH is octets.
std::string form_of(const std::vector<body_field>& fields, const http_dialect& d, const values& v,
                    std::string& problem) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!out.empty()) out += '&';
    out += percent_encode(name) + '=' + percent_encode(value);
  };
  for (const auto& f : fields) {
    if (f.as == shape::texts) {
      for (const auto& url : v.message.media_urls) add(f.name, url);
    } else {
      add(f.name, fill_template(f.value, [&](std::string_view name) {
            auto value = value_of(name, v);
            return name == "text" || name == "subject" ? in_charset(value, d.charset, problem) : value;
          }));
    }
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

std::string json_of(const http_dialect& d, const values& v) {
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

std::string escaped(std::string value, body_format format) {
  if (format == body_format::form) return percent_encode(value);
  if (format == body_format::xml) return xml_escape(value);
  return format == body_format::json ? json_escape(value) : value;
}

std::string body_of(const http_dialect& d, const values& v, std::string& problem) {
  if (d.body_text.empty()) return d.format == body_format::form ? form_of(d.body, d, v, problem) : json_of(d, v);
  if (d.format != body_format::form) {
    auto text = expand(d.body_text, v, [&](std::string value) { return escaped(std::move(value), d.format); });
    return in_charset(text, d.charset, problem);
  }
  return fill_template(d.body_text, [&](std::string_view name) {
    auto value = value_of(name, v);
    return percent_encode(name == "text" || name == "subject" ? in_charset(value, d.charset, problem) : value);
  });
}

std::string content_type(const http_dialect& d) {
  constexpr std::array<std::string_view, 4> types{"application/x-www-form-urlencoded", "application/json",
                                                  "application/xml", "text/plain"};
  std::string type(types[static_cast<std::size_t>(d.format)]);
  const bool is_said = d.format == body_format::xml || d.format == body_format::text || d.charset != wire_charset::utf8;
  if (is_said) type.append("; charset=").append(row_of(d.charset).name);
  return type;
}

// ---- proof of who we are -------------------------------------------------------------------------------------------

void add_login(std::vector<http_field>& fields, http_login how, const http_carrier_account& a) {
  if (how == http_login::basic)
    fields.push_back({"Authorization", "Basic " + base64_encode(a.username + ':' + a.password)});
  else if (how == http_login::bearer) fields.push_back({"Authorization", "Bearer " + a.password});
}

void add_hmac(http_call& call, const http_dialect& d, const values& v) {
  const auto timestamp = value_of("timestamp", v);
  const auto& recipe = d.login_hmac;
  const auto slash = call.url.find('/', call.url.find("://") + 3);
  const std::string_view path = slash == std::string::npos ? "/" : std::string_view(call.url).substr(slash);
  auto signature =
      hmac_signature(recipe, v.account.password,
                     {.method = call.method, .url = call.url, .path = path, .timestamp = timestamp, .body = call.body});
  call.fields.push_back({recipe.header, std::move(signature)});
  if (!recipe.timestamp_header.empty()) call.fields.push_back({recipe.timestamp_header, timestamp});
}

// ---- parts ---------------------------------------------------------------------------------------------------------

std::string text_of(const smpp::message_part& p, smpp::charset alphabet) {
  auto decoded = smpp::decode_text(p.body(), alphabet);
  return decoded ? std::move(decoded->text) : std::string();
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
  http_call call{.method = dialect.method};
  auto base = base_url_of(dialect, account);
  while (base.ends_with('/')) base.pop_back();
  call.url = base + expand(message.group.empty() ? dialect.path : dialect.group_path, v, percent_encode);
  const bool has_body = dialect.method != "GET";
  auto query = form_of(dialect.query, dialect, v, call.problem);
  if (!has_body) {
    const auto more = form_of(dialect.body, dialect, v, call.problem);
    query += (query.empty() || more.empty() ? "" : "&") + more;
  }
  if (!query.empty()) call.url += (call.url.find('?') == std::string::npos ? '?' : '&') + query;
  if (has_body) call.body = body_of(dialect, v, call.problem);
  for (const auto& h : dialect.headers)
    if (auto value = header_value(expand(h.value, v, plain)); !value.empty())
      call.fields.push_back({h.name, std::move(value)});
  const auto add_unless_given = [&](std::string_view name, std::string value) {
    if (std::ranges::none_of(call.fields, [&](const http_field& f) { return iequals(f.name, name); }))
      call.fields.push_back({std::string(name), std::move(value)});
  };
  if (has_body) add_unless_given("Content-Type", content_type(dialect));
  add_unless_given("Accept", "application/json");
  if (dialect.login == http_login::hmac) add_hmac(call, dialect, v);
  else if (dialect.login_header.empty()) add_login(call.fields, dialect.login, account);
  else call.fields.push_back({dialect.login_header, account.password});
  return call;
}

std::optional<std::vector<outbound_text>> parts_of(const http_dialect& dialect, outbound_text message) {
  std::vector<outbound_text> out;
  if (dialect.parts == part_policy::whole || !message.media_urls.empty()) {
    if (dialect.text_characters_max > 0 && count_code_points(message.text) > dialect.text_characters_max)
      return std::nullopt;
    out.push_back(std::move(message));
    return out;
  }
  if (!message.header.empty()) {  // it is a part
    out.push_back(std::move(message));
    return out;
  }
  const auto choice = smpp::choose_coding(message.text);
  // SAR leaves the room of a header and adds none.
  const auto method =
      dialect.parts == part_policy::udh ? smpp::long_message_method::udh8 : smpp::long_message_method::sar;
  const auto cut =
      smpp::split_text(message.text, choice.coding, {.method = method, .reference = message.part_reference});
  if (!cut) return std::nullopt;
  if (cut->parts.size() == 1) {
    out.push_back(std::move(message));
    return out;
  }
  std::uint32_t number = 0;
  for (const auto& p : cut->parts) {
    auto& part = out.emplace_back(message);
    part.text = text_of(p, choice.coding.alphabet);
    part.part_number = ++number;
    part.part_total = static_cast<std::uint32_t>(cut->parts.size());
    if (dialect.parts == part_policy::udh) part.header = as_text(bytes_view{p.octets}.first(p.header_octets));
  }
  return out;
}

bool is_request_name(std::string_view name) {
  return std::ranges::find(template_names, name, &template_name::name) != std::end(template_names);
}

std::string request_names() {
  std::string all;
  for (const auto& n : template_names) all.append(all.empty() ? "" : ", ").append(n.name);
  return all;
}

bool names(const http_dialect& dialect, std::string_view name) {
  const auto needle = "${" + std::string(name) + '}';
  const auto has = [&](const auto& text) { return text.find(needle) != std::string::npos; };
  const auto in_fields = [&](const auto& fields) {
    return std::ranges::any_of(fields, [&](const auto& f) { return has(f.value); });
  };
  return has(dialect.path) || has(dialect.body_text) || in_fields(dialect.headers) || in_fields(dialect.body) ||
         in_fields(dialect.query);
}

}  // namespace msgkit::app
