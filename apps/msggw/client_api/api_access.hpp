// Who asks over HTTP: a client with its password or one of its API keys, or an administrator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "common/http_router.hpp"
#include "connectors/smpp_server.hpp"
#include "msggw/administrators.hpp"
#include "msggw/client_api/rate_limiter.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

struct api_caller {
  bool is_admin = false;  // then there is no client
  object_id client_id = 0;
  std::shared_ptr<const client> who{};
  std::shared_ptr<const api_key> key{};  // null: came with the password
  snapshot_ptr snapshot{};               // the directory as it was then

  [[nodiscard]] std::string account() const { return who ? "client:" + who->username : ""; }
  // Whether it may send from this number of the directory.
  [[nodiscard]] bool may_use(object_id number_id) const;
};

// Thread-safe. Must outlive the router's requests.
class api_access {
 public:
  // Handles a request of somebody known; may be called on any thread.
  using handler = std::function<void(const http_request&, const api_caller&, const http_responder&)>;

  // Without a key of the configuration whoever can connect, which is this machine alone, may read as an administrator;
  // see http.api_key.
  api_access(const directory& d, credential_check check, const administrators& who)
      : directory_(d), check_(std::move(check)), administrators_(who) {}

  // A route's handler for clients that may do what `scope` says (send, batch, usage), and for administrators where
  // `for_admins`. Refusals: 401, 403, 429 beyond the key's rate, 503 when too many passwords are being checked.
  [[nodiscard]] http_handler protect(std::string scope, handler h, bool for_admins = false);
  // The same for credentials that do not come in the Authorization field.
  using decision = std::function<void(const std::variant<api_caller, http_response>&)>;
  void check_password(const http_request& r, const std::string& user, std::string password, decision done);

 private:
  void decide(const http_request& r, const std::string& scope, bool for_admins, decision done);
  std::variant<api_caller, http_response> of_key(const http_request& r, std::string_view token,
                                                 const std::string& scope);

  const directory& directory_;
  credential_check check_;
  const administrators& administrators_;
  rate_limiter requests_;
};

// 401 with a challenge.
http_response unauthorized(std::string_view message);
// 429 in the words that clients of this API know, with Retry-After.
http_response too_many(std::string_view message, std::uint64_t limit, std::uint32_t retry_after_secs);

}  // namespace msgkit::app
