// The configuration of msggw, read from TOML and the environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/goip_settings.hpp"
#include "connectors/smpp_carrier.hpp"
#include "connectors/smpp_server.hpp"
#include "connectors/store_config.hpp"
#include "connectors/xmpp_settings.hpp"
#include "engine/engine.hpp"
#include "msggw/directory_config.hpp"
#include "msggw/http_carriers.hpp"
#include "msggw/media/media_config.hpp"
#include "msggw/media/mm4_part.hpp"
#include "msggw/policy_of.hpp"
#include "msggw/rewrites.hpp"
#include "msggw/rules_config.hpp"

namespace msgkit::app {

// Of clients that are made without saying otherwise.
struct webhook_defaults {
  std::uint32_t retries = 10;
  std::chrono::seconds timeout{10};
};

struct msggw_config {
  store_config store;
  directory_config directory;
  engine::engine_options engine;
  smpp_server_options smpp;
  std::vector<smpp_carrier_options> carriers;
  std::vector<engine::route> routes;
  rules_config rules;
  std::vector<rewrite> rewrites;
  std::optional<goip_lines_options> goip;  // absent: no lines
  std::optional<xmpp_settings> xmpp;       // absent: no chats
  config_endpoint http;
  ip_ranges trusted_proxies;     // of the HTTP listener
  std::string http_api_key;      // empty: allowed only while listening on loopback
  http_outbound_config outbound;
  media_config media;
  std::optional<mm4_peers_options> mm4;  // absent: no peers
  config_endpoint metrics;       // port 0: on the HTTP listener only
  std::string metrics_path = "/metrics";
  bool metrics_other_names = false;
  bool logs_messages = false;
  auto_reply_config auto_reply;
  webhook_defaults webhooks;
};

// Mistakes go into the reader.
msggw_config read_msggw_config(config_reader& reader);

}  // namespace msgkit::app
