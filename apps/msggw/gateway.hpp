// The gateway as a daemon: engine, store, connectors and HTTP, started, reloaded, drained and stopped together.
#pragma once

#include <memory>

#include "common/lifecycle.hpp"

namespace msgkit::app {

std::unique_ptr<daemon> make_gateway();

}  // namespace msgkit::app
