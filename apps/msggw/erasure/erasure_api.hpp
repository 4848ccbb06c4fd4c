// Orders to forget a number, for administrators: POST /erasures, GET /erasures, GET /erasures/{id}.
#pragma once

#include "common/http_router.hpp"
#include "engine/engine.hpp"
#include "msggw/admin_api.hpp"
#include "msggw/administrators.hpp"
#include "msggw/directory/directory.hpp"
#include "msggw/erasure/erasure_runner.hpp"

namespace msgkit::app {

struct erasure_api {
  engine::engine& engine;
  erasure_runner& runner;
  directory& records;  // of the audit, which never has the number
  const administrators& who;
  task_runner run;  // for what waits for the disk
};

// What `api` refers to must outlive the router's requests.
void add_erasure_routes(http_router& router, const erasure_api& api);

}  // namespace msgkit::app
