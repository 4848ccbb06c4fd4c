// What the gateway counts, under Prometheus names.
#pragma once

#include <memory>

#include "common/metrics.hpp"
#include "connectors/smpp_carrier.hpp"
#include "connectors/smpp_server.hpp"
#include "engine/engine.hpp"

namespace msgkit::app {

// Values of the engine, read at each scrape. Drop the token before the engine.
[[nodiscard]] std::shared_ptr<void> collect_engine_metrics(metrics& registry, const engine::engine& e);

// Count and log what happens on SMPP connections. No message text, no passwords; numbers are not logged.
std::shared_ptr<smpp_server_observer> make_server_observer(metrics& registry);
std::shared_ptr<smpp_carrier_observer> make_carrier_observer(metrics& registry);

}  // namespace msgkit::app
