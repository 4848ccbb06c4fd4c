// mqtt_redis as a daemon: one relay per link, and the HTTP side.
#pragma once

#include <memory>

#include "common/lifecycle.hpp"

namespace msgkit::app {

std::unique_ptr<daemon> make_mqtt_redis();

}  // namespace msgkit::app
