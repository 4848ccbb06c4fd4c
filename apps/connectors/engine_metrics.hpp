// What the engine counts, for Prometheus.
#pragma once

#include <memory>
#include <string>

#include "common/metrics.hpp"
#include "engine/engine.hpp"

namespace msgkit::app {

// Series named <prefix>_submits_total and so on, until the token is dropped. The engine must live as long.
[[nodiscard]] std::shared_ptr<void> collect_engine_metrics(metrics& registry, const engine::engine& e,
                                                           std::string prefix);

}  // namespace msgkit::app
