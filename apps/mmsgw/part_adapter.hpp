// Makes the parts of a message fit the class of the gateway that it goes to; the originals stay in the store as they
// are. What was made is remembered in memory, so that a message to many is worked on once.
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/media_fitting.hpp"
#include "connectors/media_workers.hpp"
#include "mmsgw/gateway_link.hpp"

namespace msgkit::app::mms {

using part_list = std::shared_ptr<const std::vector<loaded_part>>;

struct part_adaptation {
  adaptation_verdict is = adaptation_verdict::busy;
  // When refused: "413" for what is too large, "406" for what cannot be read or takes too long.
  std::string code{}, why{};
  part_list parts{};  // when adapted
};

class part_adapter {
 public:
  using done = std::function<void(part_adaptation)>;

  explicit part_adapter(media_adapter_options options, media_observer on_medium = nullptr);
  ~part_adapter();
  part_adapter(const part_adapter&) = delete;
  part_adapter& operator=(const part_adapter&) = delete;

  // False for what goes as it is, like short texts: it need not wait for a worker.
  static bool has_work(const std::vector<loaded_part>& parts, media_class c);
  // `d` runs once: on a worker's thread, or inside this call when too many wait or it has stopped.
  void adapt(part_list parts, media_class c, done d);
  // Ends the programs that run; everything that was asked for is answered with `busy` when this returns.
  void stop();
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::app::mms
