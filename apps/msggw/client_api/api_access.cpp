#include "msggw/client_api/api_access.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/http_auth.hpp"
#include "common/json.hpp"
#include "msggw/client_api/send_order.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/net/ip_ranges.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view key_prefix = "gw_live_";
// Unknown names take the time that known ones take.
const std::string nobodys_password =
    "scrypt$16384$8$1$00000000000000000000000000000000$"
    "0000000000000000000000000000000000000000000000000000000000000000";

http_response forbidden(std::string_view message) { return http_error(403, "forbidden", message); }

bool comes_from_allowed(const client& c, const http_request& r) {
  if (c.allowed_addresses.empty()) return true;
  const auto ranges = ip_ranges::parse(c.allowed_addresses);
  return ranges && ranges->contains(address_of_peer(r.peer));
}

// What is wrong with a client that has proved to be itself.
std::optional<http_response> refusal_of(const client& c, const http_request& r) {
  if (!c.enabled) return forbidden("the client is disabled");
  if (c.type != client_type::web) return forbidden("the client is not of type web");
  if (!comes_from_allowed(c, r)) return forbidden("not from this address");
  return std::nullopt;
}

// "Bearer base64(user:password)".
std::optional<http_credentials> bearer_credentials(std::string_view token) {
  const auto decoded = base64_decode(token);
  if (!decoded) return std::nullopt;
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return http_credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

std::string_view name_of_method(auth_method m) { return m == auth_method::basic ? "basic" : "bearer"; }

}  // namespace

http_response unauthorized(std::string_view message) {
  auto r = http_error(401, "unauthorized", message);
  r.fields.push_back({"WWW-Authenticate", "Basic realm=\"msggw\", charset=\"UTF-8\""});
  return r;
}

http_response too_many(std::string_view message, std::uint64_t limit, std::uint32_t retry_after_secs) {
  http_response r{.status = 429,
                  .body = dump_json({{"error", "rate_limit_exceeded"}, {"message", message}, {"rate_limit", limit}})};
  r.fields.push_back({"Retry-After", std::to_string(retry_after_secs)});
  return r;
}

bool api_caller::may_use(object_id number_id) const {
  const auto number = snapshot->find<client_number>(number_id);
  if (!number || number->client_id != client_id) return false;
  return !key || key->allowed_number_ids.empty() ||
         std::ranges::find(key->allowed_number_ids, number_id) != key->allowed_number_ids.end();
}

http_handler api_access::protect(std::string scope, handler h, bool for_admins) {
  return
      [this, scope = std::move(scope), h = std::move(h), for_admins](http_request r, const http_responder& responder) {
        auto request = std::make_shared<const http_request>(std::move(r));
        decide(*request, scope, for_admins, [request, responder, h](const std::variant<api_caller, http_response>& d) {
          if (const auto* no = std::get_if<http_response>(&d)) responder.send(*no);
          else h(*request, std::get<api_caller>(d), responder);
        });
      };
}

void api_access::decide(const http_request& r, const std::string& scope, bool for_admins, decision done) {
  const auto token = bearer_token(r);
  const auto basic = basic_credentials(r);
  const bool looks = r.method == "GET" || r.method == "HEAD";
  if (for_admins && looks && r.header("Authorization").empty() && administrators_.none())
    return done(api_caller{.is_admin = true, .snapshot = directory_.current()});
  if (const auto who = for_admins ? administrators_.identify(r) : std::nullopt) {
    if (!looks && who->role == admin_role::read_only)
      return done(forbidden("the role of this administrator does not allow it"));
    return done(api_caller{.is_admin = true, .snapshot = directory_.current()});
  }
  if (token.starts_with(key_prefix)) return done(of_key(r, token, scope));
  const auto given = basic ? basic : bearer_credentials(token);
  if (!given) return done(unauthorized("give the client's name and password, or an API key"));
  const auto used = basic ? auth_method::basic : auth_method::bearer;
  check_password(r, given->user, given->password,
                 [used, done = std::move(done)](const std::variant<api_caller, http_response>& d) {
                   const auto* caller = std::get_if<api_caller>(&d);
                   if (caller == nullptr || caller->who->settings.auth == used) return done(d);
                   done(unauthorized("Client requires " + std::string(name_of_method(caller->who->settings.auth)) +
                                     " authentication"));
                 });
}

void api_access::check_password(const http_request& r, const std::string& user, std::string password, decision done) {
  api_caller caller{.snapshot = directory_.current()};
  caller.client_id = caller.snapshot->client_of(user);
  caller.who = caller.snapshot->find<client>(caller.client_id);
  const auto& stored = caller.who ? caller.who->password : nobodys_password;
  const auto refusal = caller.who ? refusal_of(*caller.who, r) : std::nullopt;
  check_(stored, std::move(password), [caller, refusal, done = std::move(done)](credential_answer answer) {
    if (answer == credential_answer::busy)
      return done(http_error(503, "busy", "too many passwords are being checked; try again"));
    if (answer == credential_answer::bad || !caller.who) return done(unauthorized("wrong name or password"));
    if (refusal) return done(*refusal);
    done(caller);
  });
}

std::variant<api_caller, http_response> api_access::of_key(const http_request& r, std::string_view token,
                                                           const std::string& scope) {
  api_caller caller{.snapshot = directory_.current()};
  const auto key_id = caller.snapshot->api_key_of(to_hex(as_bytes(digest(digest_kind::sha256, token))));
  caller.key = caller.snapshot->find<api_key>(key_id);
  if (!caller.key || !caller.key->active) return unauthorized("no such API key");
  const auto& key = *caller.key;
  if (is_past(key.expires_at)) return unauthorized("the API key has expired");
  caller.client_id = key.client_id;
  caller.who = caller.snapshot->find<client>(key.client_id);
  if (!caller.who) return unauthorized("no such API key");
  if (auto refusal = refusal_of(*caller.who, r)) return *refusal;
  if (!key.scopes.empty() && std::ranges::find(key.scopes, scope) == key.scopes.end())
    return forbidden("the API key lacks the scope " + scope);
  if (key.rate_limit == 0) return caller;
  constexpr double minute = 60;
  const auto wait =
      requests_.take(key_id, key.rate_limit / minute, key.rate_limit, 1, std::chrono::steady_clock::now());
  if (wait > 0) return too_many("the API key's requests a minute are used up", key.rate_limit, wait);
  return caller;
}

}  // namespace msgkit::app
