// HTTP(S) requests to elsewhere: webhooks, carriers, media. libcurl on a thread of its own; connections are kept and
// reused. Proxies, cookies and .netrc of the environment play no part.
//
// Thread-safe. Handlers run on the client's thread: hand over and return.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_message.hpp"
#include "msgkit/core/net/ip_ranges.hpp"

namespace msgkit::app {

// Where a request may go. Checked for the address of every connection, after the name is resolved and again after each
// redirect, so that a name cannot point somewhere else between check and use.
struct url_guard {
  bool https_only = false;
  bool public_only = true;   // no loopback, private, link-local, ... address: see is_public_address()
  ip_ranges also_allowed{};  // exceptions of public_only
  ip_ranges forbidden{};     // never, whatever else is said

  [[nodiscard]] bool allows(const asio::ip::address& address) const noexcept;
};

struct outbound_request {
  std::string method = "GET";
  std::string url{};                 // http or https
  std::vector<http_field> fields{};  // no Content-Length, no Host
  std::string body{};
  std::chrono::milliseconds timeout{30'000};  // for all of it, redirects included
  std::size_t response_bytes_max = 1024 * 1024;
  unsigned redirects_max = 0;  // followed for GET and HEAD only; Authorization stays with the first host
  url_guard guard{};
  std::string ca_file{};  // PEM; empty: the system's
};

enum class exchange_outcome : std::uint8_t {
  answered,   // `status` and the rest are the peer's
  refused,    // by url_guard, or the URL is none: nothing was sent
  not_sent,   // no connection, no TLS: the peer saw nothing of the request
  no_answer,  // the request may have been seen; then a timeout, a reset, an answer that breaks off
  too_large,  // the answer is larger than response_bytes_max; `status` and fields are valid
  canceled,   // the client was stopped
};

struct outbound_answer {
  exchange_outcome outcome = exchange_outcome::canceled;
  unsigned status = 0;
  std::vector<http_field> fields{};  // of the last response
  std::string body{};
  std::string error{};  // why there is no answer, for people; without the URL's query
  std::chrono::milliseconds duration{0};

  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct http_client_options {
  std::size_t requests_max = 10'000;  // open and waiting together
  std::size_t connections_max = 256;
  std::size_t connections_per_host_max = 32;  // further requests to a host wait
  std::chrono::milliseconds connect_timeout{10'000};
  std::string user_agent = "msgkit";
};

class http_client {
 public:
  using handler = std::function<void(outbound_answer)>;

  explicit http_client(http_client_options options = {});
  // As stop().
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  // The handler is called exactly once, unless false is returned: too many requests, or stopped.
  [[nodiscard]] bool send(outbound_request request, handler done);
  // Ends what is open with `canceled` and joins the thread. Not from a handler.
  void stop();
  [[nodiscard]] std::size_t open_requests() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::app
