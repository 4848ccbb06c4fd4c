// Where the async_ operations of client and client_pool wait for their outcomes. Not meant to be used by itself.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>

#include "msgkit/core/net/completion.hpp"
#include "msgkit/smpp/net/connection.hpp"

namespace msgkit::smpp {

// Requests sent by an async_ operation, by cookie. The outcome may come before or after somebody awaits it; an operation
// that nobody awaits is forgotten with its awaitable.
class async_outcomes : public std::enable_shared_from_this<async_outcomes> {
 public:
  static constexpr std::uint64_t cookie_bit = 1ull << 63;
  using request_completion = completion<std::error_code, std::string>;

  explicit async_outcomes(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // One operation, from its making until it is awaited or dropped.
  class ticket {
   public:
    ticket(std::weak_ptr<async_outcomes> all, std::uint64_t cookie) : all_(std::move(all)), cookie_(cookie) {}
    ~ticket();
    ticket(const ticket&) = delete;
    ticket& operator=(const ticket&) = delete;
    [[nodiscard]] std::uint64_t cookie() const noexcept { return cookie_; }
    // The request did not leave.
    void fail(std::error_code why) noexcept { failed_ = why; }
    void wait(std::unique_ptr<request_completion> done);

   private:
    std::weak_ptr<async_outcomes> all_;
    std::uint64_t cookie_;
    std::error_code failed_;
    bool awaited_ = false;
  };
  std::shared_ptr<ticket> open();
  // Whether the outcome belongs to one of these.
  bool finish(const outcome& o);
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }
  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }

  // The whole of an operation: `send(cookie)` sends the request now and returns its error; the token completes with
  // void(std::error_code, std::string message_id).
  template <class Send, class Token>
  auto async_send(Send&& send, Token&& token) {
    auto made = open();
    made->fail(std::forward<Send>(send)(made->cookie()));
    return asio::async_initiate<Token, void(std::error_code, std::string)>(
        [made = std::move(made), self = shared_from_this()](auto handler) {
          made->wait(make_completion<std::error_code, std::string>(std::move(handler), self->executor_));
        },
        token);
  }

 private:
  struct entry {
    std::unique_ptr<request_completion> done;
    bool has_outcome = false;
    std::error_code error;
    std::string message_id;
  };
  asio::any_io_executor executor_;
  std::unordered_map<std::uint64_t, entry> open_;
  std::uint64_t last_cookie_ = 0;
};

}  // namespace msgkit::smpp
