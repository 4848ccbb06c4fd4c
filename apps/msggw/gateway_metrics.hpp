// What the gateway counts, under Prometheus names.
#pragma once

#include <memory>

#include "common/metrics.hpp"
#include "connectors/smpp_carrier.hpp"
#include "connectors/smpp_server.hpp"
#include "engine/engine.hpp"

namespace msgkit::app {

// Count and log what happens on SMPP connections. No message text, no passwords; numbers are not logged.
std::shared_ptr<smpp_server_observer> make_server_observer(metrics& registry);
std::shared_ptr<smpp_carrier_observer> make_carrier_observer(metrics& registry);

}  // namespace msgkit::app
