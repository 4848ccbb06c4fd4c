// Where messages are kept: [store] of the configuration, and the store it describes.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "common/config.hpp"
#include "engine/mariadb_store.hpp"
#include "engine/postgres_store.hpp"
#include "engine/sqlite_store.hpp"

namespace msgkit::app {

using store_config = std::variant<engine::sqlite_store_options, engine::postgres_store_options, engine::mariadb_store_options>;

// Mistakes go into the reader.
store_config read_store_config(config_reader reader, std::string_view default_path);

// Null when it cannot be opened; `problem` then has one line. Makes the directory of a file that is not there yet.
std::unique_ptr<engine::store> open_store(const store_config& config, std::string& problem);

}  // namespace msgkit::app
