// N io_contexts with one thread each. A connection stays on the context that accepted it, so sessions need no locks.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace msgkit::app {

class io_pool {
 public:
  // Starts `threads` threads (at least one), named `name`-0, `name`-1, ... (15 characters at most are kept).
  // Signals are blocked in them: they belong to the main thread.
  explicit io_pool(std::size_t threads, const char* name = "io");
  // As stop().
  ~io_pool();
  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  // Round robin. Thread-safe.
  [[nodiscard]] asio::any_io_executor next() noexcept;
  // Precondition: i < size().
  [[nodiscard]] asio::any_io_executor executor(std::size_t i);
  [[nodiscard]] std::size_t size() const noexcept { return workers_.size(); }

  // Stops and joins the threads, then runs what is ready on the calling thread, so that closes posted before take
  // effect and connections let go of each other. Not from one of the pool's own threads.
  void stop();

 private:
  struct worker;
  std::vector<std::unique_ptr<worker>> workers_;
  std::atomic<std::size_t> turn_{0};
};

// What io_pool::stop() does to each context; for contexts of one's own. Precondition: no thread runs it.
void run_leftovers(asio::io_context& context);

}  // namespace msgkit::app
