// The directory's limits as the engine's policy.
#pragma once

#include <memory>

#include "engine/policy.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// Limits of clients, and of their numbers, in each client's time zone.
std::shared_ptr<const engine::policy> policy_of(const directory_snapshot& managed);

}  // namespace msgkit::app
