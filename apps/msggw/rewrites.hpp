// The rules that change messages: [[rewrites]] of the configuration file and those of the directory, as the engine has
// them.
#pragma once

#include <memory>
#include <vector>

#include "common/config.hpp"
#include "engine/rewrite.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// Mistakes go into the reader.
std::vector<rewrite> read_rewrites(config_reader& all);

// The file's first, then the directory's by position. Those that cannot work any more (a time zone that is gone) are
// left out with a line in the log. Null when there is none.
std::shared_ptr<const engine::rewrite_rules> rewrites_of(const std::vector<rewrite>& fixed,
                                                         const directory_snapshot& managed);

}  // namespace msgkit::app
