#include "common/io_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <csignal>
#include <string>

namespace msgkit::app {
namespace {

constexpr std::size_t leftovers_max = 1'000'000;  // a handler that posts itself for ever does not keep us

}  // namespace

struct io_pool::worker {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::thread thread;
};

io_pool::io_pool(std::size_t threads, const char* name) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new threads
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    auto& w = *workers_.emplace_back(std::make_unique<worker>());
    w.thread = std::thread([&context = w.context] { context.run(); });
    pthread_setname_np(w.thread.native_handle(), fmt::format("{}-{}", name, i).substr(0, 15).c_str());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

io_pool::~io_pool() { stop(); }

asio::any_io_executor io_pool::next() noexcept {
  return workers_[turn_.fetch_add(1, std::memory_order_relaxed) % workers_.size()]->context.get_executor();
}

asio::any_io_executor io_pool::executor(std::size_t i) { return workers_[i]->context.get_executor(); }

void io_pool::stop() {
  for (auto& w : workers_) w->context.stop();
  for (auto& w : workers_)
    if (w->thread.joinable()) w->thread.join();
  for (auto& w : workers_) run_leftovers(w->context);
}

void run_leftovers(asio::io_context& context) {
  context.restart();
  for (std::size_t i = 0; i < leftovers_max && context.poll_one() != 0; ++i) {
  }
  context.stop();
}

}  // namespace msgkit::app
