// Takes over from goippy: its configuration file becomes ours, the gateways and calls of its database go into our
// records, and its message log into the store, as messages that are settled and kept as long as others. The file is
// Python there; only assignments of texts and numbers are read, and nothing is run.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/store.hpp"
#include "goip_xmpp/records.hpp"

namespace msgkit::app {

using goippy_settings = std::map<std::string, std::string>;
// Lines that are no plain assignment are left out.
goippy_settings parse_goippy_config(std::string_view text);

// Our configuration with the same meaning. Files lie in `state_directory`.
std::string translated_config(const goippy_settings& s, const std::string& state_directory);

struct import_counts {
  std::size_t lines = 0, disabled = 0, calls = 0, messages = 0;
};
// From the database that the settings name, or from the SQLite file `database` when it is not empty, into a store that
// has no messages yet. False with the reason in `problem`.
bool import_goippy_database(const goippy_settings& s, const std::string& database, records& into,
                            engine::store& messages, import_counts& counts, std::string& problem);

}  // namespace msgkit::app
