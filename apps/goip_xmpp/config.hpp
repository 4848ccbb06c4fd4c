// The configuration of goip_xmpp, and what follows from it and from the lines added on the command line.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/goip_settings.hpp"
#include "connectors/store_config.hpp"
#include "connectors/xmpp_settings.hpp"
#include "engine/engine.hpp"
#include "goip_xmpp/records.hpp"

namespace msgkit::app {

// As which chats that came back are submitted again, see xmpp_users_options.
constexpr std::string_view returned_account = "returned";

struct goip_xmpp_config {
  store_config store;
  engine::engine_options engine;
  goip_lines_options goip;
  xmpp_settings xmpp;
  std::string user_domain;  // of the users of lines that are added by extension
  std::string fallback;     // bare JID that gets what has no user, and what users' servers give back; empty: nobody
  std::string records_path;
  std::chrono::hours log_time{0};  // messages and calls are kept for so long; 0: for ever
  bool notices = true;             // tell users when their line goes and comes
  config_endpoint http;
};

// Mistakes go into the reader.
goip_xmpp_config read_goip_xmpp_config(config_reader& reader);

// Lines and users as they are now, and who belongs to what.
struct bridge_plan {
  std::vector<goip_line> lines;
  std::vector<xmpp_user> users;
  std::vector<engine::route> routes;
  std::map<std::string, std::vector<std::string>> lines_of_user;      // by bare JID: ids, the first one for USSD
  std::map<std::string, std::vector<std::string>> receivers_of_line;  // by id: the JIDs that get what arrives there
  std::vector<std::string> problems;                                  // stored lines that cannot be used, and why
};
bridge_plan make_plan(const goip_xmpp_config& config, const std::vector<stored_line>& stored,
                      const std::set<std::string>& switched_off);

}  // namespace msgkit::app
