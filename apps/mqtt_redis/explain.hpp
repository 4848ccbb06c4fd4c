// What a configuration means, in words: for --check and --explain.
#pragma once

#include <string>
#include <string_view>

#include "mqtt_redis/config.hpp"

namespace msgkit::app {

// The key of Redis that the process holds which serves the rules with `single`.
std::string single_lock(const bridge_link& link);
// What a rule promises, and what may still lose or double a message.
std::string_view guarantee(const bridge::rule_config& rule);
// Rules with guarantees, loop analysis, and the access each link needs at both servers.
std::string explain_links(const mqtt_redis_config& config);
// Which rules take a message of that name, from either side, and where it goes.
std::string explain_name(const mqtt_redis_config& config, std::string_view name);

}  // namespace msgkit::app
