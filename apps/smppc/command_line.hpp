// The command line of smppc: which commands there are, their options, and running the one that was asked for.
#pragma once

namespace msgkit::app {

// Returns the exit code: that of the command, 0 after --help and --version, 2 for a usage error.
int run_smppc(int argc, char** argv);

}  // namespace msgkit::app
