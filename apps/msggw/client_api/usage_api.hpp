// GET /messages/usage: what a client and its numbers have used of their limits.
#pragma once

#include "engine/engine.hpp"
#include "msggw/client_api/api_access.hpp"

namespace msgkit::app {

// Both must outlive the router's requests.
void add_usage_routes(http_router& router, api_access& access, engine::engine& e);

}  // namespace msgkit::app
