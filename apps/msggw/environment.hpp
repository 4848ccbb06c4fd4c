// Names of the environment that other gateways read and that msggw does not: whoever sets one is told, not ignored.
#pragma once

#include <map>
#include <string>

#include "common/config.hpp"

namespace msgkit::app {

// Mistakes and warnings go into the reader: a name that asks for something which does not happen here is refused, one
// that other programs of the same environment may mean is warned of.
void judge_foreign_names(config_reader& reader, const std::map<std::string, std::string>& environment);

}  // namespace msgkit::app
