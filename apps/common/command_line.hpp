// The daemons' common command line.
#pragma once

#include <optional>
#include <string>

#include "common/lifecycle.hpp"
#include "common/log.hpp"

namespace msgkit::app {

struct command_line {
  std::string config_file;
  bool check = false;
  std::optional<std::string> explain;  // what --explain asks about
  bool json_logs = false;
  std::optional<log_level> level;
};

// Fills `out`. Returns the exit code when there is nothing left to do: after --help, --version, or a usage error
// (told in one line on standard error).
std::optional<int> parse_command_line(int argc, const char* const* argv, const daemon_spec& spec, command_line& out);

// "0.1.0 (abc1234)": what --version prints after the name.
std::string version_text(std::string_view version, std::string_view revision);

}  // namespace msgkit::app
