// The bridge's records behind a thread of their own, so that nothing that serves datagrams or stanzas waits for a file.
// Thread-safe. What is asked for comes back on the given executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <functional>
#include <memory>

#include "common/log.hpp"
#include "common/task_worker.hpp"
#include "goip_xmpp/records.hpp"

namespace msgkit::app {

class recorder {
 public:
  explicit recorder(std::unique_ptr<records> r) : records_(std::move(r)) {}

  // `work(records&)` on the thread. False, and counted, when too much waits.
  template <class Work>
  bool run(Work work) {
    if (worker_.run([this, work = std::move(work)] { work(*records_); })) return true;
    ++dropped_;
    return false;
  }
  // `done(work(records&))` on the executor. Not at all when too much waits.
  template <class Work, class Done>
  bool ask(const asio::any_io_executor& executor, Work work, Done done) {
    return run([executor, work = std::move(work), done = std::move(done)](records& r) {
      asio::post(executor, [done, found = work(r)]() mutable { done(std::move(found)); });
    });
  }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  // What waits is dropped.
  void stop() { worker_.stop(); }

 private:
  static constexpr std::size_t waiting_max = 10'000;
  std::unique_ptr<records> records_;
  std::atomic<std::uint64_t> dropped_{0};
  task_worker worker_{waiting_max};  // last: its thread uses the others
};

}  // namespace msgkit::app
