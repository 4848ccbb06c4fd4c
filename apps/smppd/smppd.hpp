// smppd as a daemon: the simulator and its HTTP side.
#pragma once

#include <memory>

#include "common/lifecycle.hpp"

namespace msgkit::app {

std::unique_ptr<daemon> make_smppd();

}  // namespace msgkit::app
