// `mmsgw import`: the INI files of the product whose API this is become our TOML: its mmsgw.conf, a file for each
// gateway, and mm4rx.conf, in any order, recognised by their sections.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace msgkit::app::mms {

struct ini_file {
  std::string name{};  // for messages
  std::string text{};
};

struct ini_import {
  std::string toml{};                 // meaningful without errors
  std::vector<std::string> notes{};   // keys without a meaning here, and what else somebody has to know
  std::vector<std::string> errors{};  // "gw.conf:8: [gateway] tps_limit = x: must be a number from 0 to 100000"
};

// Pure: what the result says together is for read_mmsgw_config() to judge.
ini_import import_ini(std::span<const ini_file> files);

// One of their files as configuration, for daemon_spec::translate_ini; notes go to standard error.
std::optional<std::string> translate_ini(const std::string& text, std::string& why);

// The command: `mmsgw import FILE... [--output FILE]`. Returns the exit code.
int run_import(int argc, const char* const* argv);

}  // namespace msgkit::app::mms
