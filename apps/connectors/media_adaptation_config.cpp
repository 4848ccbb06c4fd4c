#include "connectors/media_adaptation_config.hpp"

#include "common/child_program.hpp"

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

}  // namespace

media_class read_media_class(config_reader& r) {
  return r.choice<media_class>(
      "media_class", media_class::none,
      {{"none", media_class::none}, {"300k", media_class::k300}, {"600k", media_class::k600}, {"1m", media_class::m1}});
}

std::optional<media_adapter_options> read_media_adaptation(config_reader r) {
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

media_observer count_media_adaptations(metrics& registry) {
  return [&registry](std::string_view result) {
    registry.counter("media_adaptations_total", "Media that were to fit a class", {{"result", std::string(result)}})
        .add();
  };
}

}  // namespace msgkit::app
