// Messages over HTTP.
#pragma once

#include <string>

#include "common/http_router.hpp"
#include "connectors/client_requests.hpp"
#include "connectors/message_canceler.hpp"
#include "engine/engine.hpp"

namespace msgkit::app {

// GET /messages/{id}: state, attempts, segments and the trace of one message. No message text.
// `api_key` empty: open to everybody who can connect. `ids` says how the path names a message.
void add_message_routes(http_router& router, engine::engine& e, const std::string& api_key,
                        message_id_style ids = message_id_style::uuid);

// DELETE /messages/{id}: withdraws a message that is not yet on its way, whoever submitted it. 204 when that is durable,
// 404 when no such message is active, 409 when it is too late. `canceler` must outlive the router's requests.
void add_cancel_route(http_router& router, message_canceler& canceler, message_id_style ids = message_id_style::uuid);

// The answer's body.
std::string message_json(const engine::message& m);

}  // namespace msgkit::app
