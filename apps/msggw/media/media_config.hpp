// [media] of the configuration: where media are kept, how long, and what is taken.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/config.hpp"
#include "connectors/media_adapter.hpp"
#include "connectors/media_intake.hpp"
#include "connectors/store_config.hpp"
#include "msggw/http_carriers.hpp"

namespace msgkit::app {

struct media_config {
  std::string path{};      // a directory; unused with PostgreSQL
  std::string base_url{};  // where media are fetched, without a slash at the end
  media_intake_options intake{};
  std::chrono::milliseconds sweep_interval{600'000};
  std::optional<media_adapter_options> adaptation{};  // absent: media go as they are
};

// Mistakes go into the reader. `outbound` and `http` give what is not said: where we are called, whom we may call.
media_config read_media_config(config_reader reader, const store_config& store, const http_outbound_config& outbound,
                               const config_endpoint& http);

// In the messages' database when that is PostgreSQL, so that every gateway that shares it has them; otherwise files.
// Null with one line in `problem`.
std::unique_ptr<media_store> open_media_store(const media_config& config, const store_config& store,
                                              std::string& problem);

}  // namespace msgkit::app
