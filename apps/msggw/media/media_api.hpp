// GET /media/{token}: what carriers and clients fetch. Whoever has the token may; nobody learns whether another exists.
#pragma once

#include "common/http_router.hpp"
#include "connectors/media_shelf.hpp"

namespace msgkit::app {

// The shelf must outlive the router's requests.
void add_media_route(http_router& router, media_shelf& shelf);

}  // namespace msgkit::app
