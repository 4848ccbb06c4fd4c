// The configuration of smppd.
#pragma once

#include "common/config.hpp"
#include "smppd/simulator.hpp"

namespace msgkit::app {

struct smppd_config {
  simulator_options simulator;
  smpp::server_options server;
  config_endpoint http;  // /health, /ready, /metrics, POST /mo
};

smppd_config read_smppd_config(config_reader& reader);

}  // namespace msgkit::app
