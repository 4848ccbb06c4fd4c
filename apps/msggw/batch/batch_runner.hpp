// Works through the batches: a thread that hands item after item to the engine, each under an idempotency key of its
// own, so that an item that was taken before a crash is not sent again after it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "msggw/batch/batch_store.hpp"
#include "msggw/client_api/sender.hpp"

namespace msgkit::app {

class batch_runner {
 public:
  // All of them must outlive the runner. Call stop() while the engine still answers or after it is gone for good.
  // What has ended is removed `retention` after it was made; zero keeps it.
  batch_runner(batch_store& store, sender& sending, const directory& d, std::chrono::seconds retention);
  ~batch_runner();
  batch_runner(const batch_runner&) = delete;
  batch_runner& operator=(const batch_runner&) = delete;

  // There is a new batch. Any thread.
  void wake();
  // Finishes the items under way. Again is harmless.
  void stop();

 private:
  void run();
  bool work_on(const batch& b);  // true: something was tried
  void purge();
  std::vector<sent_item> send_all(const batch& b, const api_caller& caller, const std::vector<batch_item>& items);

  batch_store& store_;
  sender& sending_;
  const directory& directory_;
  const std::chrono::seconds retention_;
  std::chrono::steady_clock::time_point purge_at_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false, woken_ = false;
  std::thread thread_;
};

}  // namespace msgkit::app
