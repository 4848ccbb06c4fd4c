// The table `goip` of a configuration: SIM lines of GoIP devices. Mistakes go into the reader.
#pragma once

#include "common/config.hpp"
#include "connectors/goip_lines.hpp"

namespace msgkit::app {

// Without lines it is a mistake, unless `may_be_empty`: they may come from elsewhere.
goip_lines_options read_goip(config_reader r, bool may_be_empty = false);

}  // namespace msgkit::app
