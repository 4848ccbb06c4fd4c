// Makes the media of a message fit whom it goes to: copies in a size class, with pictures upright and without what
// tells where they were taken. The originals stay on the shelf as they are, so that the same message can go another way
// in another class; copies stand beside them until the originals expire. The work is done by programs of others (see
// media_workers.hpp and common/child_program.hpp), a bounded number at a time; what came of a medium is remembered, so
// that a message to a thousand is worked on once.
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "connectors/media_fitting.hpp"
#include "connectors/media_shelf.hpp"
#include "connectors/media_workers.hpp"

namespace msgkit::app {

struct adaptation {
  adaptation_verdict is = adaptation_verdict::busy;
  std::string why{};
  mms_message message{};  // what to send, when adapted; its media are on the shelf
};

class media_adapter {
 public:
  using done = std::function<void(adaptation)>;

  // `shelf` outlives it.
  media_adapter(media_shelf& shelf, media_adapter_options options, media_observer on_medium = nullptr);
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
