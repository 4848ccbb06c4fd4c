// What operators look at beside the directory: who is connected, who has opted out.
#pragma once

#include "common/http_router.hpp"
#include "engine/engine.hpp"
#include "msggw/carrier_set.hpp"
#include "msggw/client_sessions.hpp"

namespace msgkit::app {

// GET /stats, GET /clients/{id}/smpp-status, GET /opt-outs. All of them want `guard`. What is referred to must outlive
// the router's requests.
void add_operator_routes(http_router& router, const client_sessions& sessions, const carrier_set& carriers,
                         const directory& d, engine::engine& e, http_guard guard);

}  // namespace msgkit::app
