// Who may use the administrators' API, and for what: whoever has the key of the configuration, and the administrators
// of the directory, each with a key and a role of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/http_router.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

struct administrator_caller {
  std::string name{};
  admin_role role = admin_role::read_only;
};

// Thread-safe. The directory must outlive it and its guards.
class administrators {
 public:
  // `key`: the one of the configuration; it is an admin's. Empty: there is none.
  administrators(const directory& d, std::string key) : directory_(d), key_(std::move(key)) {}

  // By Basic, where an administrator's name must be right and that of the configuration's key may be any, or by Bearer.
  [[nodiscard]] std::optional<administrator_caller> identify(const http_request& r) const;
  // Whether nobody has a key at all.
  [[nodiscard]] bool none() const { return key_.empty() && directory_.current()->all<administrator>().empty(); }
  // Everybody who is known may look; who changes something needs this role at least. 401 without credentials that are
  // good; 403 for what the role may not do, and while nobody has a key.
  [[nodiscard]] http_guard guard(admin_role to_change = admin_role::operate) const;

 private:
  [[nodiscard]] std::optional<administrator_caller> find(std::string_view key) const;

  const directory& directory_;
  std::string key_;
};

}  // namespace msgkit::app
