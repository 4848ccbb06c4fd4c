// Exit codes shared by all programs.
#pragma once

namespace msgkit::app {

enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,         // could not start or run; forced to stop by a second signal; a tool's work failed
  exit_configuration = 2,  // bad command line or configuration
};

}  // namespace msgkit::app
