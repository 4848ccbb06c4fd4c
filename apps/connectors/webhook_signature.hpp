// Who really sent this webhook? Decided over the raw request, before anything in it is parsed for its meaning.
// All functions are thread-safe and deterministic: the caller brings the time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.hpp"
#include "common/http_message.hpp"
#include "msgkit/core/net/ip_ranges.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

// How a sender proves itself. The names of headers and the layout of what is signed are the senders' own.
enum class signature_recipe : std::uint8_t {
  none,         // no proof at all: accepted only with `insecure`
  twilio,       // X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted form, or the URL with bodySHA256
  telnyx,       // telnyx-signature-ed25519 over "timestamp|body"; the secret is the public key in base64
  plivo_v2,     // X-Plivo-Signature-V2: HMAC-SHA256 over the URL without query and the nonce
  vonage_md5,   // parameter sig: MD5 over the sorted parameters and the secret
  vonage_sha1,  // parameter sig: HMAC over the sorted parameters; likewise the next two
  vonage_sha256,
  vonage_sha512,
  hmac_sha256,  // our own, see sign_webhook(): header Webhook-Signature
  basic,        // Authorization: Basic; the secret is "user:password"
  token,        // a fixed text in the header `token_header`, or in the parameter `token_query` of the query
  hmac,         // as `hmac_recipe` says
  address,      // nothing but where it comes from: `addresses`
};

// How a sender signs with HMAC, where operators describe it; for what we sign ourselves too.
struct hmac_recipe {
  digest_kind digest = digest_kind::sha256;
  std::string header{"X-Signature"};
  std::string prefix{};                // before the signature: "sha256="
  bool is_base64 = false;              // else hexadecimal
  std::string timestamp_header{};      // Unix seconds; empty: there is none
  std::string signed_text{"${body}"};  // of ${body} ${timestamp} ${method} ${url} ${path}: the last two with the query
  friend bool operator==(const hmac_recipe&, const hmac_recipe&) = default;
};
struct signed_request {
  std::string_view method{}, url{}, path{}, timestamp{}, body{};
};
// With the prefix, as it stands in the header.
std::string hmac_signature(const hmac_recipe& recipe, const std::string& secret, const signed_request& request);

struct signature_options {
  signature_recipe recipe = signature_recipe::none;
  std::vector<std::string> secrets{};  // any of them is good: two during a rotation
  // What the sender was told to call, up to the path: "https://gw.example.org". Needed by the recipes that sign the
  // URL, since a proxy in front of us changes scheme, host and port.
  std::string public_base_url{};
  std::string token_header{"X-Webhook-Token"};
  std::string token_query{};  // instead of the header
  hmac_recipe hmac{};
  ip_ranges addresses{};
  std::chrono::seconds tolerance{300};  // how far a signed timestamp may be from now, either way
  bool insecure = false;                // laboratory only: skip the check
};

enum class signature_verdict : std::uint8_t {
  good,
  no_secret,  // nothing is configured: refused
  missing,    // the request carries no signature
  malformed,  // it carries something that cannot be one
  wrong,
  stale,  // signed, but too long ago or in the future
};
std::string_view name(signature_verdict verdict) noexcept;

signature_verdict verify_webhook(const signature_options& options, const http_request& request, wall_time now);

// The fields to add to a webhook of ours: Webhook-Timestamp (Unix seconds) and Webhook-Signature with one
// "v1=<hex HMAC-SHA256 of timestamp '.' body>" per secret, comma separated, so that a receiver may rotate.
std::vector<http_field> sign_webhook(const std::vector<std::string>& secrets, std::string_view body, wall_time now);

// What an operator must mend before the recipe can work, empty when nothing: "public_base_url: ..." and the like.
std::string check(const signature_options& options);

}  // namespace msgkit::app
