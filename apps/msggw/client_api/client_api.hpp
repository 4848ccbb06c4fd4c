// What clients do over HTTP: send, look, withdraw. docs/openapi.yaml describes it.
#pragma once

#include "connectors/media_intake.hpp"
#include "connectors/message_canceler.hpp"
#include "engine/engine.hpp"
#include "msggw/client_api/api_access.hpp"
#include "msggw/client_api/sender.hpp"

namespace msgkit::app {

struct client_api {
  engine::engine& engine;
  api_access& access;
  sender& sending;
  message_canceler& canceler;
  media_intake& media;
  std::string media_base_url{};  // where carriers and clients fetch what is sent
};

// POST /messages and /messages/send, GET and DELETE /messages/{id}, POST /messages/{id}/cancel. What `api` refers to
// must outlive the router's requests.
void add_client_routes(http_router& router, const client_api& api);

}  // namespace msgkit::app
