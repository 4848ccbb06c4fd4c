// Where the directory is kept and with which key its secrets are sealed: [directory] of the configuration.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/config.hpp"
#include "msggw/directory/directory.hpp"
#include "connectors/store_config.hpp"

namespace msgkit::app {

struct directory_config {
  std::string path{};            // of the SQLite file; unused with a server
  std::string encryption_key{};  // empty: a key of its own in the file `path.key`, made when absent
  std::optional<engine::postgres_store_options> server{};  // the messages' one, which gateways share
};

// Mistakes go into the reader. With PostgreSQL the directory is in the messages' database; otherwise it is a file,
// usually beside the messages' one.
directory_config read_directory_config(config_reader reader, const store_config& store);

// Opened and loaded; null with one line in `problem` when that fails.
std::unique_ptr<directory> open_directory(const directory_config& config, directory::options options,
                                          std::string& problem);

}  // namespace msgkit::app
