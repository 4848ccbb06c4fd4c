// Shell completion, made from the command line's own description.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace msgkit::app {

// The script for "bash" or "zsh"; empty for any other shell.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace msgkit::app
