// The administrators' API: the directory over HTTP. docs/openapi.yaml describes it.
#pragma once

#include <functional>
#include <string>

#include "common/http_router.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// Runs a task that may block away from the threads that serve connections; false when too many wait already.
using task_runner = std::function<bool(std::function<void()>)>;

// Adds the routes under /clients, /numbers, /carriers, /routes and /audit. All of them want `guard`.
// The directory and the runner must outlive the router.
void add_admin_routes(http_router& router, directory& d, task_runner run, http_guard guard);

}  // namespace msgkit::app
