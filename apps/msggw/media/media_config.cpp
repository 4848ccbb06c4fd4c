#include "msggw/media/media_config.hpp"

#include <filesystem>

#include "common/child_program.hpp"
#include "msggw/media/media_stores.hpp"

namespace msgkit::app {

using namespace std::chrono_literals;

namespace {

std::string read_program(config_reader& r, std::string_view key, std::string_view usual, std::string_view package) {
  const auto name = r.text(key, usual, 4'096);
  auto path = find_program(name);
  if (path.empty())
    r.fail(key, name + " is not a program that can be run here: install the package " + std::string(package));
  return path;
}

std::optional<media_adapter_options> read_adaptation(config_reader r) {
  const bool is_on = r.flag("enabled", false);
  media_adapter_options o;
  o.workers = r.size("workers", o.workers, 1, 64);
  o.queue_max = r.size("queue_max", o.queue_max, 1, 100'000);
  o.timeout = r.time("timeout", o.timeout, 100ms, 10min);
  o.memory_octets_max = r.bytes("memory_max", o.memory_octets_max, 256 * 1024 * 1024, std::size_t{64} << 30);
  if (!is_on) {
    (void)r.text("image_program", "gm", 4'096);
    (void)r.text("audio_video_program", "ffmpeg", 4'096);
    return std::nullopt;
  }
  o.image_program = read_program(r, "image_program", "gm", "graphicsmagick");
  o.audio_video_program = read_program(r, "audio_video_program", "ffmpeg", "ffmpeg");
  return o;
}

}  // namespace

media_class read_media_class(config_reader& r) {
  return r.choice<media_class>(
      "media_class", media_class::none,
      {{"none", media_class::none}, {"300k", media_class::k300}, {"600k", media_class::k600}, {"1m", media_class::m1}});
}

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
  c.adaptation = read_adaptation(r.table("adaptation"));
  return c;
}

std::unique_ptr<media_store> open_media_store(const media_config& config, const store_config& store,
                                              std::string& problem) {
  if (const auto* server = std::get_if<engine::postgres_store_options>(&store))
    return open_postgres_media_store(*server, problem);
  return open_directory_media_store(config.path, problem);
}

}  // namespace msgkit::app
