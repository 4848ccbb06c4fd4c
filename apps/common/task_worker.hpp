// One thread for what may block: writes to a file, password hashes. A short queue; who finds it full is told so.
#pragma once

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <functional>
#include <utility>

#include "common/task_queue.hpp"

namespace msgkit::app {

// Thread-safe.
class task_worker final : public task_queue {
 public:
  explicit task_worker(std::size_t waiting_max = 64) : waiting_max_(waiting_max) {}
  ~task_worker() override { stop(); }
  [[nodiscard]] bool run(std::function<void()> task) override {
    if (waiting_.fetch_add(1) >= waiting_max_) {
      --waiting_;
      return false;
    }
    asio::post(thread_, [this, task = std::move(task)] {
      task();
      --waiting_;
    });
    return true;
  }
  void stop() override {
    thread_.stop();
    thread_.join();
  }

 private:
  std::size_t waiting_max_;
  std::atomic<std::size_t> waiting_{0};
  asio::thread_pool thread_{1};
};

}  // namespace msgkit::app
