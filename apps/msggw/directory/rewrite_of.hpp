// A rule as operators write it, as the engine takes it.
#pragma once

#include <string>

#include "engine/rewrite.hpp"
#include "msggw/directory/objects.hpp"

namespace msgkit::app {

// `out` is a fresh one. False, and why, naming the field, for one that cannot work.
bool read_rule(const rewrite& r, engine::rewrite_rule& out, std::string& why);

}  // namespace msgkit::app
