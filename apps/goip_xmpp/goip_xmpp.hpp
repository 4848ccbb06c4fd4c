// The bridge as a daemon: GoIP lines on one side, XMPP users on the other, the engine's store between them.
#pragma once

#include <memory>

#include "common/lifecycle.hpp"

namespace msgkit::app {

std::unique_ptr<daemon> make_goip_xmpp();

}  // namespace msgkit::app
