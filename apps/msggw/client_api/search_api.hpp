// Looking for messages: GET /messages with filters, newest first, a page at a time. docs/openapi.yaml describes it.
#pragma once

#include <string>

#include "engine/engine.hpp"
#include "msggw/client_api/api_access.hpp"

namespace msgkit::app {

// What a request looks for, from its query: account, from, to, state, kind, since, until, before, limit.
struct message_search {
  engine::message_filter what{};
  engine::message_id before{};
  std::size_t limit = 50;  // 1..200
};
// False with the parameter and its rule in `why`.
[[nodiscard]] bool read_message_search(const http_request& r, message_search& out, std::string& why);

// Clients (scope usage) find what they sent and received; administrators everything. What is given must outlive the
// router's requests.
void add_search_route(http_router& router, api_access& access, engine::engine& e);

}  // namespace msgkit::app
