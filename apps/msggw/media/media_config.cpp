#include "msggw/media/media_config.hpp"

#include <filesystem>

#include "connectors/media_adaptation_config.hpp"
#include "msggw/media/media_stores.hpp"

namespace msgkit::app {

using namespace std::chrono_literals;

media_config read_media_config(config_reader r, const store_config& store, const http_outbound_config& outbound,
                               const config_endpoint& http) {
  media_config c;
  std::string usual = "var/media";
  if (const auto* sqlite = std::get_if<engine::sqlite_store_options>(&store))
    usual = (std::filesystem::path(sqlite->path).parent_path() / "media").string();
  if (!std::holds_alternative<engine::postgres_store_options>(store)) c.path = r.text("path", usual);
  c.base_url =
      r.text("base_url", outbound.public_url.empty() ? "http://" + http.to_string() : outbound.public_url, 512);
  while (c.base_url.ends_with('/')) c.base_url.pop_back();
  if (!c.base_url.starts_with("https://") && !c.base_url.starts_with("http://"))
    r.fail("base_url", "is where carriers and clients fetch media, like https://gw.example.org");
  auto& i = c.intake;
  i.lifetime = r.time("lifetime", 24h * 7, 1min, 24h * 3650);
  i.fetch_timeout = r.time("fetch_timeout", 20s, 100ms, 10min);
  i.messages_max = r.size("fetches_max", 32, 1, 10'000);
  i.limits.item_octets_max = r.bytes("item_bytes_max", 5 * 1024 * 1024, 1024, 64 * 1024 * 1024);
  i.limits.message_octets_max = r.bytes("message_bytes_max", 10 * 1024 * 1024, 1024, 128 * 1024 * 1024);
  i.limits.items_max = r.size("items_max", 10, 1, mms_media_max);
  i.limits.types = r.texts("types", usual_media_types());
  i.guard = outbound.guard;
  i.ca_file = outbound.ca_file;
  c.sweep_interval = r.time("sweep_interval", 10min, 100ms, 24h);
  c.adaptation = read_media_adaptation(r.table("adaptation"));
  return c;
}

std::unique_ptr<media_store> open_media_store(const media_config& config, const store_config& store,
                                              std::string& problem) {
  if (const auto* server = std::get_if<engine::postgres_store_options>(&store))
    return open_postgres_media_store(*server, problem);
  return open_directory_media_store(config.path, problem);
}

}  // namespace msgkit::app
