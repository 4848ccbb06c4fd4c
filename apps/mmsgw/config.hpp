// The configuration of mmsgw. The keys of a gateway are those of the gateway files of the product it follows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/media_workers.hpp"
#include "connectors/number_lookup_settings.hpp"
#include "mmsgw/api.hpp"
#include "mmsgw/database.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/mm4_link.hpp"
#include "mmsgw/mm7_link.hpp"

namespace msgkit::app::mms {

struct mmsgw_config {
  config_endpoint http, mm4;
  std::string mm4_host_name = "localhost";
  std::string store_path;  // SQLite, unless
  std::optional<postgres_options> postgres;
  std::shared_ptr<tls_context> http_tls, mm4_tls, mm4_starttls;
  std::chrono::milliseconds maildir_interval{500};
  std::size_t message_bytes_max = 8 * 1024 * 1024;
  std::optional<media_adapter_options> adaptation;  // absent: media go as they are
  api_options api;
  hub_options hub;
  std::optional<number_lookup_settings> lookup;
  std::vector<mm4_gateway> mm4_gateways;
  std::vector<mm7_gateway> mm7_gateways;
};

// Letters, digits, '-', '_' and '.': what a gateway's name has, since it is in the path of its intake.
bool is_path_segment(std::string_view name);

mmsgw_config read_mmsgw_config(config_reader& reader);

}  // namespace msgkit::app::mms
