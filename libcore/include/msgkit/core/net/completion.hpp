// A completion handler of any type behind one virtual call, so that a driver's header stays light and its work can be
// in a .cpp file. Used by the async_ operations.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <memory>
#include <utility>

namespace msgkit {

template <class... Args>
struct completion {
  virtual ~completion() = default;
  // Once. Runs the handler on its associated executor.
  virtual void complete(Args... args) = 0;
};

// Handlers without an executor of their own run on `fallback`.
template <class... Args, class Handler>
std::unique_ptr<completion<Args...>> box_completion(Handler handler, const asio::any_io_executor& fallback) {
  using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;
  struct boxed final : completion<Args...> {
    boxed(Handler h, executor_type e) : handler(std::move(h)), guard(std::move(e)) {}
    void complete(Args... args) override {
      asio::dispatch(guard.get_executor(), [h = std::move(handler), ... a = std::move(args)]() mutable {
        std::move(h)(std::move(a)...);
      });
    }
    Handler handler;
    asio::executor_work_guard<executor_type> guard;
  };
  auto executor = asio::get_associated_executor(handler, fallback);
  return std::make_unique<boxed>(std::move(handler), std::move(executor));
}

}  // namespace msgkit
