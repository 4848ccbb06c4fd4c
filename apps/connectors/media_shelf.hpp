// The media store for everybody: asynchronous, with a thread of its own for what blocks. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/task_worker.hpp"
#include "connectors/media_store.hpp"

namespace msgkit::app {

enum class media_find : std::uint8_t { found, absent, failed };

class media_shelf {
 public:
  using kept = std::function<void(std::string token)>;  // empty: it could not be kept
  using found = std::function<void(media_find, const medium&)>;

  explicit media_shelf(std::unique_ptr<media_store> store) : store_(std::move(store)) {}

  // The callbacks run on the shelf's thread. False, and no callback, while too many calls wait.
  [[nodiscard]] bool keep(medium m, kept done);
  // Anything may be asked for; what is no token is absent.
  [[nodiscard]] bool find(std::string token, found done);
  // Before its time; true when it is gone.
  [[nodiscard]] bool remove(std::string token, std::function<void(bool)> done);
  // Removes what has expired.
  void sweep();
  // Calls that wait are dropped with their callbacks.
  void stop() { worker_.stop(); }

 private:
  std::unique_ptr<media_store> store_;
  task_worker worker_{256};  // last: its thread uses the store
};

}  // namespace msgkit::app
