// What operators look at beside the directory: who is connected, who has opted out.
#pragma once

#include "common/http_router.hpp"
#include "engine/engine.hpp"
#include "msggw/carrier_set.hpp"
#include "msggw/client_sessions.hpp"
#include "msggw/media/mm4_sessions.hpp"

namespace msgkit::app {

// GET /stats, GET /clients/{id}/smpp-status, GET /opt-outs. All of them want `guard`. What is referred to must outlive
// the router's requests; `mm4` is null without MM4.
void add_operator_routes(http_router& router, const client_sessions& sessions, const mm4_sessions* mm4,
                         const carrier_set& carriers, const directory& d, engine::engine& e, http_guard guard);

}  // namespace msgkit::app
