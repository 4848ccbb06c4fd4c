// Media in files of a directory, for a gateway by itself; and in the messages' database, for several that share one.
#pragma once

#include <memory>
#include <string>

#include "connectors/media_store.hpp"
#include "engine/postgres_store.hpp"

namespace msgkit::app {

// Null with one line in `problem`. The directory is made when it is absent, for its owner alone.
std::unique_ptr<media_store> open_directory_media_store(const std::string& path, std::string& problem);
std::unique_ptr<media_store> open_postgres_media_store(const engine::postgres_store_options& server,
                                                       std::string& problem);

}  // namespace msgkit::app
