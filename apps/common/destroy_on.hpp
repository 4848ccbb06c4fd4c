// Work on the thread of an executor, waited for. That thread must run, and must not be the caller's.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <future>
#include <memory>

namespace msgkit::app {

template <class F>
auto run_on(const asio::any_io_executor& executor, F f) {
  std::packaged_task<decltype(f())()> task(std::move(f));
  auto done = task.get_future();
  asio::post(executor, [&task] { task(); });
  return done.get();
}

// A connector's sockets belong to its executor, so it is taken down there while that executor's thread still runs.
template <class Connector>
void destroy_on(const asio::any_io_executor& executor, std::unique_ptr<Connector>& connector) {
  if (connector) run_on(executor, [&] { connector.reset(); });
}

}  // namespace msgkit::app
