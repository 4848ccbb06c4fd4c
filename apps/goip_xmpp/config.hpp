// The configuration of goip_xmpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/goip_lines.hpp"
#include "connectors/store_config.hpp"
#include "connectors/xmpp_users.hpp"
#include "engine/engine.hpp"

namespace msgkit::app {

struct goip_xmpp_config {
  store_config store;
  engine::engine_options engine;
  goip_lines_options goip;
  xmpp_users_options xmpp;
  std::vector<engine::route> routes;
  std::map<std::string, std::string> line_of_user;     // by bare JID: the id of the line
  std::map<std::string, std::string> receiver_of_line;  // by id: the JID that gets what arrives there
  config_endpoint http;
};

goip_xmpp_config read_goip_xmpp_config(config_reader& reader);

}  // namespace msgkit::app
