#include "msggw/administrators.hpp"

#include "common/digest.hpp"
#include "common/http_auth.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/secure.hpp"

namespace msgkit::app {
namespace {

constexpr std::size_t name_octets_max = 64;

http_response refuse(unsigned status, std::string_view code, std::string_view message) {
  auto r = http_error(status, code, message);
  if (status == 401) r.fields.push_back({"WWW-Authenticate", "Basic realm=\"msggw\", charset=\"UTF-8\""});
  return r;
}

}  // namespace

std::optional<administrator_caller> administrators::find(std::string_view key) const {
  const auto snapshot = directory_.current();
  if (snapshot->all<administrator>().empty()) return std::nullopt;  // clients' requests come through here too
  const auto found =
      snapshot->find<administrator>(snapshot->administrator_of(to_hex(as_bytes(digest(digest_kind::sha256, key)))));
  if (!found || !found->active || is_past(found->expires_at)) return std::nullopt;
  return administrator_caller{found->name, found->role};
}

std::optional<administrator_caller> administrators::identify(const http_request& r) const {
  const auto basic = basic_credentials(r);
  const auto given = basic ? std::string_view(basic->password) : bearer_token(r);
  if (given.empty()) return std::nullopt;
  if (!key_.empty() && constant_time_equal(given, key_))
    return administrator_caller{basic ? basic->user.substr(0, name_octets_max) : "key", admin_role::admin};
  auto found = find(given);
  if (found && basic && basic->user != found->name) return std::nullopt;
  return found;
}

http_guard administrators::guard(admin_role to_change) const {
  return [this, to_change](const http_request& r) -> std::optional<http_response> {
    const auto who = identify(r);
    if (who) {
      if (r.method == "GET" || r.method == "HEAD" || who->role >= to_change) return std::nullopt;
      return refuse(403, "forbidden", "the role of this administrator does not allow it");
    }
    // Unlike a trace, the directory is never open to everybody: it makes accounts.
    if (none()) return refuse(403, "no_api_key", "set http.api_key to use the administrators' API");
    return refuse(401, "unauthorized", "credentials are missing or wrong");
  };
}

}  // namespace msgkit::app
