// Incremental parser of one HTTP/1.1 request (RFC 9112): Boost.Beast's head parser behind a strict policy.
//
// Refused with 400, because two parsers on one path could disagree about them: Content-Length together with
// Transfer-Encoding, any second Content-Length, lengths that are not plain digits, a transfer coding other than
// chunked, and on HTTP/1.1 a missing or second Host. Trailers are read and dropped.
// The outcome never depends on how the octets are cut. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>

#include "common/http_head_scanner.hpp"
#include "common/http_message.hpp"
#include "msgkit/core/bytes.hpp"

namespace msgkit::app {

class http_request_parser {
 public:
  enum class step : std::uint8_t {
    need_more,  // present the unconsumed octets again, with more behind them
    head,       // once: the head is complete; request() has everything but the body
    complete,   // the body is complete as well
    failed,     // see failure(); the parser is done
  };
  struct progress {
    std::size_t consumed;
    step at;
  };
  struct failure_info {
    unsigned status = 400;
    const char* reason = "";
  };

  explicit http_request_parser(const http_head_limits& limits);
  ~http_request_parser();
  http_request_parser(http_request_parser&&) noexcept;
  http_request_parser& operator=(http_request_parser&&) noexcept;

  // `octets` begins where the last call stopped consuming.
  progress feed(bytes_view octets);

  // From head on. The body is limited to `octets` (413 beyond); `keep` false drops it as it arrives.
  void limit_body(std::size_t octets, bool keep);
  [[nodiscard]] http_request& request();
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] bool has_body() const;
  // Declared length; 0 for a chunked body.
  [[nodiscard]] std::uint64_t declared_bytes() const;
  [[nodiscard]] const failure_info& failure() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::app
