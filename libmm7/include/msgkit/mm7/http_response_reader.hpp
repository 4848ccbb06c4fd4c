// Reads the answers to our requests from an HTTP/1.1 connection (RFC 9112), within limits. Where framing could be read in
// two ways the connection is given up: an answer is never taken for part of another.
// Not thread-safe: owned by one connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::mm7 {

struct http_response {
  unsigned status = 0;
  mime::field_list fields{};
  byte_vector body{};
  bool keep_alive = false;  // the connection may be used again
};

struct http_reader_limits {
  std::size_t head_bytes_max = 32 * 1024;
  std::size_t fields_max = 100;
  std::size_t body_bytes_max = 4 * 1024 * 1024;
};

class http_response_reader {
 public:
  explicit http_response_reader(http_reader_limits limits = {}) : limits_(limits) {}

  // Takes what came. A complete answer is there when response() has a value; octets behind it are an error, because
  // nothing was asked for. Answers of class 1xx are skipped. After an error the reader is of no further use.
  // Errors: http_malformed, http_too_large.
  result<void> feed(bytes_view octets);
  // The peer has closed: ends an answer without a length. Errors: http_malformed when one was under way.
  result<void> finish();
  [[nodiscard]] std::optional<http_response>& response() noexcept { return done_; }
  // Nothing of an answer has come yet.
  [[nodiscard]] bool is_fresh() const noexcept { return state_ == state::head && line_.empty() && head_bytes_ == 0; }
  // For the next answer on the same connection.
  void reset() { *this = http_response_reader(limits_); }

 private:
  enum class state : std::uint8_t { head, body, chunk_size, chunk, chunk_end, trailer, until_close, done };
  result<void> take_line(std::string_view line);
  result<void> take_head_line(std::string_view line);
  result<void> end_of_head();
  result<void> take_chunk_size(std::string_view line);
  result<std::size_t> take_body(bytes_view octets);
  void complete();

  http_reader_limits limits_;
  state state_ = state::head;
  std::string line_;
  std::size_t head_bytes_ = 0;  // of head or trailer, also of all chunk size lines
  std::size_t left_ = 0;        // of the body or chunk
  bool has_status_ = false;
  bool is_http_1_1_ = false;
  http_response reading_;
  std::optional<http_response> done_;
};

}  // namespace msgkit::mm7
