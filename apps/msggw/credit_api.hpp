// What clients have paid before, for administrators: GET and POST /credit/{client}, GET /credit/{client}/ledger.
#pragma once

#include <functional>
#include <string>

#include "common/http_router.hpp"
#include "engine/engine.hpp"
#include "msggw/admin_api.hpp"
#include "msggw/administrators.hpp"
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

}  // namespace msgkit::app
