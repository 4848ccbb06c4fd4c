// The verbs of the command line beside the daemon: add and remove lines, switch them, see them, ask for USSD, import
// from goippy, and manage the instances of a machine.
#pragma once

#include <optional>

#include "common/lifecycle.hpp"

namespace msgkit::app {

// The exit code; nullopt when the arguments name no verb and are the daemon's.
std::optional<int> run_subcommand(int argc, const char* const* argv, const daemon_spec& spec);

}  // namespace msgkit::app
