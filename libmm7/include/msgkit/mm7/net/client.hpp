// Sends MM7 requests to one peer over HTTP or HTTPS: a queue, a few connections that are kept and used again, Basic and
// Digest authentication, repetition with back-off under the same transaction id.
// Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "msgkit/core/net/completion.hpp"
#include "msgkit/core/net/connector.hpp"
#include "msgkit/mm7/exchange.hpp"
#include "msgkit/mm7/http_response_reader.hpp"
#include "msgkit/mm7/net/authentication.hpp"

namespace msgkit::mm7 {

struct client_options {
  connect_options connect{.port = 80};  // connect.tls: HTTPS
  // Makes the transport instead of `connect`: a tunnel, a simulation. Calls its argument once.
  std::function<void(connector::handler)> dial{};
  std::string target = "/";  // path and query
  std::string host_field{};  // Host; empty: of `connect`
  http_password password{};
  client_scheme scheme = client_scheme::challenged;
  std::vector<std::pair<std::string, std::string>> fields{};  // further ones, e.g. User-Agent
  exchange_options exchange{};
  http_reader_limits answer{};
  std::chrono::milliseconds response_timeout{10'000};  // from the first octet of an attempt to the whole answer
  std::chrono::milliseconds idle_timeout{30'000};      // then an unused connection is closed
  std::size_t connections_max = 4;                     // one request at a time on each
  std::size_t queue_max = 10'000;                      // waiting and under way
};

// Host, port and target of "http://host:port/path" or https; credentials in a URL are refused. `is_tls` says whether
// connect.tls has to be set. Errors: http_malformed.
struct http_url {
  std::string host{};
  std::uint16_t port = 80;
  std::string target = "/";
  bool is_tls = false;
};
result<http_url> parse_http_url(std::string_view url);

class client : public std::enable_shared_from_this<client> {
 public:
  using handler = std::function<void(const answer&)>;

  static std::shared_ptr<client> make(asio::any_io_executor executor, client_options options);
  // Cuts what is under way, without outcomes for it; stop() is the polite way.
  ~client();

  // The parts are encoded before this returns. `done` runs once, from the executor.
  // Errors: queue_full, session_closed, those of exchange::make(); then `done` is not called.
  result<void> send(envelope request, const std::vector<mime::out_part>& parts, handler done);

  // Completes with void(mm7::answer). Cancellation: none.
  template <class Token>
  auto async_send(envelope request, const std::vector<mime::out_part>& parts, Token&& token) {
    return asio::async_initiate<Token, void(answer)>(
        [self = shared_from_this(), &parts](auto on_answer, envelope r) {
          self->send_or_fail(std::move(r), parts, make_completion<answer>(std::move(on_answer), self->executor()));
        },
        token, std::move(request));
  }

  // Waits for answers under way; what waits for its next attempt ends with session_closed.
  void stop(std::function<void()> done = {});
  [[nodiscard]] std::size_t request_count() const noexcept;
  [[nodiscard]] std::size_t connection_count() const noexcept;
  [[nodiscard]] asio::any_io_executor executor() const;

 private:
  client(asio::any_io_executor executor, client_options options);
  void send_or_fail(envelope request, const std::vector<mime::out_part>& parts,
                    std::unique_ptr<completion<answer>> done);

  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::mm7
