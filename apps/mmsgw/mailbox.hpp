// Work for an executor from other threads, in order. What comes while it is busy is handed over in one piece.
// It holds no more than what its users have under way: requests, which the HTTP server limits, and their answers.
// Thread-safe; copies share one box. Work that an executor never gets to run is destroyed with the box or the executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace msgkit::app::mms {

class mailbox {
 public:
  explicit mailbox(asio::any_io_executor executor)
      : executor_(std::move(executor)), content_(std::make_shared<content>()) {}

  void post(std::function<void()> work) const {
    const std::lock_guard lock(content_->mutex);
    content_->waiting.push_back(std::move(work));
    if (content_->waiting.size() > 1) return;
    asio::post(executor_, [c = content_] {
      std::vector<std::function<void()>> all;
      {
        const std::lock_guard held(c->mutex);
        all.swap(c->waiting);
      }
      for (const auto& one : all) one();
    });
  }

 private:
  struct content {
    std::mutex mutex;
    std::vector<std::function<void()>> waiting;
  };
  asio::any_io_executor executor_;
  std::shared_ptr<content> content_;
};

}  // namespace msgkit::app::mms
