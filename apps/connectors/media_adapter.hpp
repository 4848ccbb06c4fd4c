// Makes the media of a message fit whom it goes to: copies in a size class, with pictures upright and without what
// tells where they were taken. The originals stay as they are, so that the same message can go another way in another
// class. The work is done by programs of others (see media_recipes.hpp and common/child_program.hpp), a bounded number
// at a time; what came of a medium is remembered, so that a message to a thousand is worked on once.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "connectors/media_recipes.hpp"
#include "connectors/media_shelf.hpp"

namespace msgkit::app {

struct media_adapter_options {
  std::string image_program{};        // absolute paths: gm
  std::string audio_video_program{};  // ffmpeg
  std::size_t workers = 2;
  std::size_t queue_max = 1'000;                          // messages that wait for a worker
  std::chrono::milliseconds timeout{30'000};              // of all the work on one medium
  std::size_t memory_octets_max = 1'024 * 1'024 * 1'024;  // of a program
  std::size_t remembered_max = 10'000;                    // media
};

enum class adaptation_verdict : std::uint8_t {
  adapted,  // `message` is what to send; its media are on the shelf
  refused,  // `why` begins with a name: media_too_large, gif_too_large, media_unreadable, media_timeout, media_expired
  busy,     // not now
};
struct adaptation {
  adaptation_verdict is = adaptation_verdict::busy;
  std::string why{};
  mms_message message{};
};

class media_adapter {
 public:
  using done = std::function<void(adaptation)>;
  // Called on a worker's thread for each medium that was worked on, or not: "made", "kept", "remembered", "refused".
  using observer = std::function<void(std::string_view result)>;

  // `shelf` outlives it.
  media_adapter(media_shelf& shelf, media_adapter_options options, observer on_medium = nullptr);
  ~media_adapter();
  media_adapter(const media_adapter&) = delete;
  media_adapter& operator=(const media_adapter&) = delete;

  // `d` runs once: on a worker's thread, or inside this call when too many wait or it has stopped.
  void adapt(mms_message m, media_class c, done d);
  // Ends the programs that run; everything that was asked for is answered with `busy` when this returns.
  void stop();
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::app
