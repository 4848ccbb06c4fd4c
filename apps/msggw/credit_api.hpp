// What clients have paid before: GET and POST /credit/{client} and GET /credit/{client}/ledger for administrators,
// GET /credit for a client that asks about itself.
#pragma once

#include <functional>
#include <string>

#include "common/http_router.hpp"
#include "engine/engine.hpp"
#include "msggw/admin_api.hpp"
#include "msggw/administrators.hpp"
#include "msggw/client_api/api_access.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

struct credit_api {
  engine::engine& engine;
  directory& records;  // of the audit
  const administrators& who;
  task_runner run;  // for what waits for the disk
  std::function<bool(const std::string& client)> is_client;
};

// What `api` refers to must outlive the router's requests.
void add_credit_routes(http_router& router, const credit_api& api);
// `access` and `e` must, too.
void add_own_credit_route(http_router& router, api_access& access, engine::engine& e);

}  // namespace msgkit::app
