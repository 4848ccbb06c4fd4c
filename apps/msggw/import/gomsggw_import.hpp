// `msggw import`: clients, numbers, failovers, API keys and carriers of a Gomsggw database become ours. Messages,
// batches and media do not come along.
#pragma once

#include <string>
#include <vector>

#include "common/config.hpp"
#include "msggw/directory/directory.hpp"
#include "msggw/import/gomsggw_source.hpp"

namespace msgkit::app {

struct import_report {
  std::size_t carriers = 0, clients = 0, numbers = 0, failovers = 0, api_keys = 0;
  std::vector<std::string> notes{};  // what was left out or changed, and why; for people, without secrets
  bool failed = false;               // something of theirs could not be read: nothing more was done
};

// What is there already under the same name or number is left as it is, and named in the notes: an import may be
// repeated.
import_report import_gomsggw(gomsggw_source& from, const std::string& encryption_key, directory& into);

// The command: `msggw import --gomsggw FILE|DSN [--config FILE] [--blank-key] [--dry-run]`. Returns the exit code.
int run_import(int argc, const char* const* argv, const std::vector<config_alias>& aliases);

}  // namespace msgkit::app
