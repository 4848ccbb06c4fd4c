// The gateway's HTTP interface.
#pragma once

#include <string>

#include "common/http_router.hpp"
#include "engine/engine.hpp"

namespace msgkit::app {

// GET /messages/{id}: state, attempts, segments and the trace of one message. No message text.
// `api_key` empty: open to everybody who can connect.
void add_message_routes(http_router& router, engine::engine& e, const std::string& api_key);

// The answer's body.
std::string message_json(const engine::message& m);

}  // namespace msgkit::app
