// The media store for everybody: asynchronous, as what blocks runs elsewhere, on a thread of its own unless it is told
// otherwise. Thread-safe.
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

  explicit media_shelf(std::unique_ptr<media_store> store,
                       std::unique_ptr<task_queue> queue = std::make_unique<task_worker>(tasks_waiting_max))
      : store_(std::move(store)), queue_(std::move(queue)) {}

  // The callbacks run where its tasks do. False, and no callback, while too many calls wait.
  [[nodiscard]] bool keep(medium m, kept done);
  // Anything may be asked for; what is no token is absent.
  [[nodiscard]] bool find(std::string token, found done);
  // Before its time; true when it is gone.
  [[nodiscard]] bool remove(std::string token, std::function<void(bool)> done);
  // Removes what has expired.
  void sweep();
  // Calls that wait are dropped with their callbacks.
  void stop() { queue_->stop(); }

 private:
  static constexpr std::size_t tasks_waiting_max = 256;
  std::unique_ptr<media_store> store_;
  std::unique_ptr<task_queue> queue_;  // last: its thread uses the store
};

}  // namespace msgkit::app
