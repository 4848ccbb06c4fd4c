// The gateway's MM4 peers: [mm4] and [[mm4_peers]] of the configuration, and how they run.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/metrics.hpp"
#include "connectors/mm4_peers.hpp"
#include "engine/routing.hpp"
#include "msggw/rules_config.hpp"

namespace msgkit::app {

// Nothing without [mm4] and peers; with [mm4] alone they are the directory's. Their endpoints are added to `endpoints`,
// the numbers of clients to `routes`. Mistakes go into the reader.
std::optional<mm4_peers_options> read_mm4_config(config_reader& all, std::vector<engine::route>& routes,
                                                 rules_config& rules, std::set<std::string, std::less<>>& endpoints);

std::shared_ptr<mm4_peers_observer> make_mm4_observer(metrics& registry);

}  // namespace msgkit::app
