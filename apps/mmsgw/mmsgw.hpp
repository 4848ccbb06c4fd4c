// mmsgw as a daemon.
#pragma once

#include <memory>

#include "common/lifecycle.hpp"

namespace msgkit::app {

std::unique_ptr<daemon> make_mmsgw();

}  // namespace msgkit::app
