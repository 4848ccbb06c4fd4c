// [number_lookup] as the gateways configure it.
#pragma once

#include <memory>
#include <optional>

#include "common/config.hpp"
#include "connectors/enum_source.hpp"
#include "connectors/number_lookup.hpp"
#include "connectors/number_service.hpp"

namespace msgkit::app {

struct number_lookup_settings {
  number_lookup_options options{};
  std::optional<number_service_options> service{};  // one of these
  std::optional<enum_source_options> dns{};
  bool waits = false;  // what nobody could say is asked again later; otherwise the number is routed as it is
};

// Nothing: there is no such table. Reads the file it names. Mistakes go into the reader.
std::optional<number_lookup_settings> read_number_lookup(config_reader& reader);

// Null without settings. `http` must outlive it.
std::unique_ptr<number_lookup> make_number_lookup(const std::optional<number_lookup_settings>& settings,
                                                  const asio::any_io_executor& executor, http_client& http, metrics& m);

}  // namespace msgkit::app
