// What Linux tells about this process, under the names every Prometheus client uses.
#pragma once

#include "common/metrics.hpp"

namespace msgkit::app {

void collect_process_metrics(metric_sink& sink);

// Resident memory in octets, 0 when unknown.
std::size_t resident_bytes() noexcept;

}  // namespace msgkit::app
