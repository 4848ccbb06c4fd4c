// The rules of the configuration file and the limits of the directory as one policy of the engine.
#pragma once

#include <memory>

#include "engine/policy.hpp"
#include "msggw/directory/directory.hpp"
#include "msggw/rules_config.hpp"

namespace msgkit::app {

// The file's rules, and the directory's limits of clients and of their numbers, in each client's time zone. The file's
// win for a client that both know. Null when nothing is ruled.
std::shared_ptr<const engine::policy> policy_of(const rules_config& fixed, const directory_snapshot& managed);

}  // namespace msgkit::app
