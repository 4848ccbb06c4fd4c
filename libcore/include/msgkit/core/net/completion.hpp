// A completion handler behind one virtual call, so that headers of async_ operations stay light and the work can be in a
// .cpp file.
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
  // Call at most once, and not inside the initiating function.
  virtual void complete(Args...) = 0;
};

// Runs `handler` on its associated executor, else on `fallback`; keeps that executor at work until then.
template <class... Args, class Handler>
std::unique_ptr<completion<Args...>> make_completion(Handler handler, const asio::any_io_executor& fallback) {
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
