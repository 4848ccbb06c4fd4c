// The configuration of smppd: our TOML, and the JSON of the server it follows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/smpp_server.hpp"
#include "engine/engine.hpp"
#include "smppd/behaviour.hpp"
#include "smppd/event_feed.hpp"
#include "smppd/mo_source.hpp"

namespace msgkit::app {

enum class storage_kind : std::uint8_t { memory, sqlite };

struct smppd_config {
  storage_kind storage = storage_kind::memory;
  std::string storage_path;
  std::size_t settled_max = 100'000;  // settled messages that memory keeps for queries
  engine::engine_options engine;
  smpp_server_options smpp;
  std::vector<engine::route> routes;
  std::vector<behaviour> behaviours;
  scripted_end usual_end;
  std::uint64_t seed = 1;
  std::uint32_t network_capacity = 1'000'000;
  std::vector<mo_stream> mo;
  std::string record_file;  // one JSON line per message that was taken, in order
  std::vector<feed_file> event_files;
  std::vector<feed_webhook> event_webhooks;
  config_endpoint http;
};

smppd_config read_smppd_config(config_reader& reader);

// The TOML that means the same as such a JSON file. Nothing with the reason in `why` when it is not one.
std::optional<std::string> translate_smppd_json(const std::string& json, std::string& why);

}  // namespace msgkit::app
