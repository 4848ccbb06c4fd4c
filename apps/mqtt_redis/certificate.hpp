// When a certificate ends, for the metrics.
#pragma once

#include <optional>
#include <string>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

// The end of the first certificate of a PEM file; nothing when there is none to read.
std::optional<wall_time> certificate_end(const std::string& file);

}  // namespace msgkit::app
