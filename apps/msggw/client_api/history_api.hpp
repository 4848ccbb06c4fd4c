// GET /messages/history: a client's messages in numbered pages, without text. docs/openapi.yaml describes it. For all
// that is known of a message, and for long searches, see search_api.hpp.
#pragma once

#include <string>

#include "engine/engine.hpp"
#include "msggw/client_api/api_access.hpp"

namespace msgkit::app {

// Rows that are read to count. With a number given those are messages of that number alone. When there are more,
// `total_is_exact` is false and `counted_since` says from when on messages were counted.
constexpr std::size_t history_rows_max = 100 * engine::slice_rows_max;

// Add it before /messages/{id}. Both must outlive the router's requests.
void add_history_route(http_router& router, api_access& access, engine::engine& e);

}  // namespace msgkit::app
