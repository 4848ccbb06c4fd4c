// The table `goip` of a configuration: SIM lines of GoIP devices. Mistakes go into the reader.
#pragma once

#include "common/config.hpp"
#include "connectors/goip_lines.hpp"

namespace msgkit::app {

goip_lines_options read_goip(config_reader r);

}  // namespace msgkit::app
