// The administrators' API: the directory over HTTP. docs/openapi.yaml describes it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/http_router.hpp"
#include "msggw/administrators.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// Runs a task that may block away from the threads that serve connections; false when too many wait already.
using task_runner = std::function<bool(std::function<void()>)>;

// Settings of a client that is made without them.
struct client_defaults {
  std::uint32_t webhook_retries = 10, webhook_timeout_secs = 10;
};

// Adds the routes under /clients, /numbers, /carriers, /routes, /administrators and /audit, for those whom `who` allows
// it. The directory, the runner and `who` must outlive the router.
void add_admin_routes(http_router& router, directory& d, task_runner run, const administrators& who,
                      const client_defaults& defaults = {});

}  // namespace msgkit::app
