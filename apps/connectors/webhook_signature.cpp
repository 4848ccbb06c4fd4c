#include "connectors/webhook_signature.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/digest.hpp"
#include "common/http_auth.hpp"
#include "common/json.hpp"
#include "connectors/template_text.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/secure.hpp"

namespace msgkit::app {
namespace {

using parameters = std::vector<std::pair<std::string, std::string>>;
using enum signature_verdict;

constexpr std::size_t vonage_parameters_max = 100;  // theirs are about fifteen

std::string hex_of(std::string_view octets) { return to_hex(as_bytes(octets)); }

signature_verdict judge(bool matches) { return matches ? good : wrong; }

// True when `matches(secret)` holds for any secret. All are tried, so that time does not tell which one it was.
template <class Matches>
bool any_secret(const signature_options& options, Matches&& matches) {
  bool found = false;
  for (const auto& secret : options.secrets) found = (!secret.empty() && matches(secret)) || found;
  return found;
}

std::optional<std::int64_t> read_seconds(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::int64_t year_9999 = 253'402'300'799;
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > year_9999) return std::nullopt;
  return value;
}

bool is_fresh(std::int64_t timestamp, const signature_options& options, wall_time now) {
  const auto age = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() - timestamp;
  return std::abs(age) <= options.tolerance.count();
}

std::string_view without_trailing_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

std::string path_and_query(const http_request& r) { return r.query.empty() ? r.path : r.path + '?' + r.query; }

// The URL with and without the port that its scheme implies: senders disagree on which one they sign.
std::vector<std::string> spellings_of(std::string_view base, const std::string& rest) {
  base = without_trailing_slash(base);
  std::vector<std::string> out{std::string(base) + rest};
  const bool is_https = base.starts_with("https://");
  const std::string_view port = is_https ? ":443" : ":80";
  if (base.ends_with(port)) {
    out.push_back(std::string(base.substr(0, base.size() - port.size())) + rest);
  } else if (const auto host = base.find("://");
             host != std::string_view::npos && base.find(':', host + 3) == std::string_view::npos) {
    out.push_back(std::string(base) + std::string(port) + rest);
  }
  return out;
}

bool is_form(const http_request& r) {
  constexpr std::string_view form = "application/x-www-form-urlencoded";
  const auto type = r.header("Content-Type");
  return type.size() >= form.size() && iequals(type.substr(0, form.size()), form);
}

// Twilio signs name and value of each parameter, sorted by name; of a repeated one every distinct value, sorted.
std::string joined_for_twilio(const http_request& r) {
  if (!is_form(r)) return {};
  auto form = parse_form(r.body);
  std::ranges::sort(form);
  form.erase(std::unique(form.begin(), form.end()), form.end());
  std::string out;
  for (const auto& [key, value] : form) out.append(key).append(value);
  return out;
}

signature_verdict verify_twilio(const signature_options& o, const http_request& r) {
  const auto given = r.header("X-Twilio-Signature");
  if (given.empty()) return missing;
  if (!base64_decode(given)) return malformed;
  // A body that is not a form is bound to the URL by its digest.
  if (const auto body_digest = r.query_value("bodySHA256");
      body_digest && !constant_time_equal(*body_digest, hex_of(digest(digest_kind::sha256, r.body))))
    return wrong;
  if (!is_form(r) && !r.body.empty() && !r.query_value("bodySHA256")) return wrong;
  const auto form = joined_for_twilio(r);
  const auto urls = spellings_of(o.public_base_url, path_and_query(r));
  return judge(any_secret(o, [&](const std::string& secret) {
    bool found = false;
    for (const auto& url : urls)
      found = constant_time_equal(given, base64_encode(hmac(digest_kind::sha1, secret, url + form))) || found;
    return found;
  }));
}

signature_verdict verify_telnyx(const signature_options& o, const http_request& r, wall_time now) {
  const auto timestamp = r.header("telnyx-timestamp");
  const auto given = r.header("telnyx-signature-ed25519");
  if (timestamp.empty() || given.empty()) return missing;
  const auto seconds = read_seconds(timestamp);
  const auto signature = base64_decode(given);
  if (!seconds || !signature) return malformed;
  const auto signed_text = std::string(timestamp) + '|' + r.body;
  const bool matches = any_secret(o, [&](const std::string& secret) {
    const auto key = base64_decode(secret);
    return key && verify_ed25519(*key, signed_text, *signature);
  });
  if (!matches) return wrong;
  return is_fresh(*seconds, o, now) ? good : stale;
}

signature_verdict verify_plivo(const signature_options& o, const http_request& r) {
  const auto given = r.header("X-Plivo-Signature-V2");
  const auto nonce = r.header("X-Plivo-Signature-V2-Nonce");
  if (given.empty() || nonce.empty()) return missing;
  if (!base64_decode(given)) return malformed;
  const auto urls = spellings_of(o.public_base_url, r.path);
  return judge(any_secret(o, [&](const std::string& secret) {
    bool found = false;
    for (const auto& url : urls) {
      const auto expected = base64_encode(hmac(digest_kind::sha256, secret, url + std::string(nonce)));
      found = constant_time_equal(given, expected) || found;
    }
    return found;
  }));
}

// Vonage signs parameters, not octets: they are needed from wherever the account's settings put them.
std::optional<parameters> vonage_parameters(const http_request& r) {
  auto out = parse_form(r.query);
  if (is_form(r)) {
    for (auto& pair : parse_form(r.body)) out.push_back(std::move(pair));
  } else if (!r.body.empty()) {
    nlohmann::json json;
    std::string why;
    if (!parse_json(r.body, json, why, {.depth_max = 1}) || !json.is_object()) return std::nullopt;
    for (const auto& [key, value] : json.items()) {
      out.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  if (out.size() > vonage_parameters_max) return std::nullopt;
  std::ranges::sort(out);
  return out;
}

std::string joined_for_vonage(const parameters& sorted) {
  std::string out;
  for (const auto& [key, value] : sorted) {
    if (key == "sig") continue;
    out.append(1, '&').append(key).append(1, '=');
    for (const char c : value) out += c == '&' || c == '=' ? '_' : c;
  }
  return out;
}

std::string vonage_digest(signature_recipe recipe, const std::string& secret, const std::string& text) {
  switch (recipe) {
    case signature_recipe::vonage_sha1: return hex_of(hmac(digest_kind::sha1, secret, text));
    case signature_recipe::vonage_sha256: return hex_of(hmac(digest_kind::sha256, secret, text));
    case signature_recipe::vonage_sha512: return hex_of(hmac(digest_kind::sha512, secret, text));
    default: return hex_of(digest(digest_kind::md5, text + secret));
  }
}

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

signature_verdict verify_vonage(const signature_options& o, const http_request& r, wall_time now) {
  const auto sorted = vonage_parameters(r);
  if (!sorted) return malformed;
  std::optional<std::string> given;
  std::optional<std::int64_t> timestamp;
  for (const auto& [key, value] : *sorted) {
    if (key == "sig") given = lower(value);
    if (key == "timestamp") timestamp = read_seconds(value);
  }
  if (!given || given->empty()) return missing;
  if (!timestamp) return malformed;
  const auto text = joined_for_vonage(*sorted);
  const bool matches = any_secret(
      o, [&](const std::string& secret) { return constant_time_equal(*given, vonage_digest(o.recipe, secret, text)); });
  if (!matches) return wrong;
  return is_fresh(*timestamp, o, now) ? good : stale;
}

std::string our_signature(const std::string& secret, std::string_view timestamp, std::string_view body) {
  std::string text(timestamp);
  text.append(1, '.').append(body);
  return hex_of(hmac(digest_kind::sha256, secret, text));
}

signature_verdict verify_ours(const signature_options& o, const http_request& r, wall_time now) {
  const auto timestamp = r.header("Webhook-Timestamp");
  auto given = r.header("Webhook-Signature");
  if (timestamp.empty() || given.empty()) return missing;
  const auto seconds = read_seconds(timestamp);
  if (!seconds) return malformed;
  constexpr std::string_view scheme = "v1=";
  bool matches = false, has_known_scheme = false;
  while (!given.empty()) {
    const auto end = std::min(given.find(','), given.size());
    const auto one = given.substr(0, end);
    given.remove_prefix(std::min(end + 1, given.size()));
    if (!one.starts_with(scheme)) continue;
    has_known_scheme = true;
    matches =
        any_secret(o,
                   [&](const std::string& secret) {
                     return constant_time_equal(one.substr(scheme.size()), our_signature(secret, timestamp, r.body));
                   }) ||
        matches;
  }
  if (!has_known_scheme) return malformed;
  if (!matches) return wrong;
  return is_fresh(*seconds, o, now) ? good : stale;
}

signature_verdict verify_basic(const signature_options& o, const http_request& r) {
  if (r.header("Authorization").empty()) return missing;
  const auto given = basic_credentials(r);
  if (!given) return malformed;
  const auto joined = given->user + ':' + given->password;
  return judge(any_secret(o, [&](const std::string& secret) { return constant_time_equal(joined, secret); }));
}

signature_verdict verify_token(const signature_options& o, const http_request& r) {
  const auto given = o.token_query.empty() ? std::string(r.header(o.token_header))
                                           : r.query_value(o.token_query).value_or(std::string());
  if (given.empty()) return missing;
  return judge(any_secret(o, [&](const std::string& secret) { return constant_time_equal(given, secret); }));
}

signature_verdict verify_hmac(const signature_options& o, const http_request& r, wall_time now) {
  const auto given = r.header(o.hmac.header);
  if (given.empty()) return missing;
  const auto timestamp = o.hmac.timestamp_header.empty() ? std::string_view() : r.header(o.hmac.timestamp_header);
  std::optional<std::int64_t> seconds;
  if (!o.hmac.timestamp_header.empty()) {
    if (timestamp.empty()) return missing;
    seconds = read_seconds(timestamp);
    if (!seconds) return malformed;
  }
  if (!given.starts_with(o.hmac.prefix)) return malformed;
  // Hexadecimal digits have two spellings.
  const auto written = o.hmac.is_base64 ? std::string(given) : lower(std::string(given));
  const auto path = path_and_query(r);
  const auto urls = spellings_of(o.public_base_url, path);
  const bool matches = any_secret(o, [&](const std::string& secret) {
    bool found = false;
    for (const auto& url : urls) {
      auto expected = hmac_signature(
          o.hmac, secret, {.method = r.method, .url = url, .path = path, .timestamp = timestamp, .body = r.body});
      if (!o.hmac.is_base64) expected = lower(std::move(expected));
      found = constant_time_equal(written, expected) || found;
    }
    return found;
  });
  if (!matches) return wrong;
  return !seconds || is_fresh(*seconds, o, now) ? good : stale;
}

bool signs_the_url(const signature_options& o) {
  return o.recipe == signature_recipe::twilio || o.recipe == signature_recipe::plivo_v2 ||
         (o.recipe == signature_recipe::hmac && o.hmac.signed_text.find("${url}") != std::string::npos);
}

}  // namespace

std::string_view name(signature_verdict verdict) noexcept {
  constexpr std::array<std::string_view, 6> names{"good", "no_secret", "missing", "malformed", "wrong", "stale"};
  return names[static_cast<std::size_t>(verdict)];
}

signature_verdict verify_webhook(const signature_options& options, const http_request& request, wall_time now) {
  if (options.insecure) return good;
  if (options.recipe == signature_recipe::address) {
    if (options.addresses.empty()) return no_secret;
    return judge(options.addresses.contains(address_of_peer(request.peer)));
  }
  if (std::ranges::all_of(options.secrets, &std::string::empty)) return no_secret;
  switch (options.recipe) {
    case signature_recipe::none: return no_secret;
    case signature_recipe::twilio: return verify_twilio(options, request);
    case signature_recipe::telnyx: return verify_telnyx(options, request, now);
    case signature_recipe::plivo_v2: return verify_plivo(options, request);
    case signature_recipe::vonage_md5:
    case signature_recipe::vonage_sha1:
    case signature_recipe::vonage_sha256:
    case signature_recipe::vonage_sha512: return verify_vonage(options, request, now);
    case signature_recipe::hmac_sha256: return verify_ours(options, request, now);
    case signature_recipe::basic: return verify_basic(options, request);
    case signature_recipe::token: return verify_token(options, request);
    case signature_recipe::hmac: return verify_hmac(options, request, now);
    case signature_recipe::address: break;  // has no secret: see above
  }
  return no_secret;
}

std::string hmac_signature(const hmac_recipe& recipe, const std::string& secret, const signed_request& request) {
  const auto text = fill_template(recipe.signed_text, [&](std::string_view name) -> std::string_view {
    if (name == "body") return request.body;
    if (name == "timestamp") return request.timestamp;
    if (name == "method") return request.method;
    if (name == "url") return request.url;
    return name == "path" ? request.path : std::string_view();
  });
  const auto mac = hmac(recipe.digest, secret, text);
  return recipe.prefix + (recipe.is_base64 ? base64_encode(mac) : hex_of(mac));
}

std::vector<http_field> sign_webhook(const std::vector<std::string>& secrets, std::string_view body, wall_time now) {
  const auto timestamp = std::to_string(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
  std::string signatures;
  for (const auto& secret : secrets) {
    if (secret.empty()) continue;
    if (!signatures.empty()) signatures += ',';
    signatures.append("v1=").append(our_signature(secret, timestamp, body));
  }
  if (signatures.empty()) return {};
  return {{"Webhook-Timestamp", timestamp}, {"Webhook-Signature", std::move(signatures)}};
}

std::string check(const signature_options& options) {
  if (options.insecure) return {};
  if (options.recipe == signature_recipe::none)
    return "recipe: none proves nothing; name a recipe, or set insecure = true in a laboratory";
  if (options.recipe == signature_recipe::address)
    return options.addresses.empty() ? "addresses: at least one is needed" : "";
  if (std::ranges::all_of(options.secrets, &std::string::empty)) return "secrets: at least one is needed";
  if (signs_the_url(options) && !options.public_base_url.starts_with("https://") &&
      !options.public_base_url.starts_with("http://"))
    return "public_base_url: this sender signs the URL it calls; give it as https://host[:port]";
  if (options.recipe == signature_recipe::telnyx)
    for (const auto& secret : options.secrets)
      if (const auto key = base64_decode(secret); !key || key->size() != 32)
        return "secrets: the sender's public key is 32 octets in base64";
  return {};
}

}  // namespace msgkit::app
