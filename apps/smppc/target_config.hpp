// A file that says where to bind: --config. JSON, with the settings in an object "client" (or at the top), under the names
// that SMPP client configurations commonly have.
#pragma once

#include <string>
#include <vector>

#include "smppc/target.hpp"

namespace msgkit::app {

// One setting of the file: the option it stands for, and its value as that option takes it.
struct config_setting {
  std::string option{};  // "--host"
  std::string value{};   // of a flag: "true" or "false"
};

// Reads the file. Settings that mean nothing here (write_timeout, logging) are passed over; unknown ones are an error.
// The problem in words, naming file and key, or empty.
std::string read_target_config(const std::string& file, std::vector<config_setting>& settings);

}  // namespace msgkit::app
