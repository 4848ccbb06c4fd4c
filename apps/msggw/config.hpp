// The configuration of msggw, read from TOML and the environment.
#pragma once

#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/smpp_carrier.hpp"
#include "connectors/smpp_server.hpp"
#include "engine/engine.hpp"
#include "connectors/store_config.hpp"

namespace msgkit::app {

struct msggw_config {
  store_config store;
  engine::engine_options engine;
  smpp_server_options smpp;
  std::vector<smpp_carrier_options> carriers;
  std::vector<engine::route> routes;
  config_endpoint http;
  std::string http_api_key;      // empty: allowed only while listening on loopback
  config_endpoint metrics;       // port 0: on the HTTP listener only
};

// Mistakes go into the reader.
msggw_config read_msggw_config(config_reader& reader);

}  // namespace msgkit::app
