// Many messages in one request. docs/openapi.yaml describes it.
#pragma once

#include "msggw/admin_api.hpp"
#include "msggw/batch/batch_runner.hpp"
#include "msggw/client_api/api_access.hpp"

namespace msgkit::app {

struct batch_api {
  api_access& access;
  sender& sending;
  batch_store& store;
  batch_runner& runner;
  task_runner run;  // for what waits for the disk
};
constexpr std::size_t batch_items_max = 10'000;

// The routes under /messages/batch. Add them before /messages/{id}. What `api` refers to must outlive the router's
// requests.
void add_batch_routes(http_router& router, const batch_api& api);

}  // namespace msgkit::app
