// Finds the end of a request's head and refuses what request smuggling lives on (RFC 9112 sections 2.2, 5.1, 5.2):
// bare CR or LF, control characters, folded lines, space before a colon. Octet by octet, so that the verdict does not
// depend on how the octets arrive and a hopeless head is refused at its first bad octet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "msgkit/core/bytes.hpp"

namespace msgkit::app {

struct http_head_limits {
  std::size_t head_bytes_max = 16 * 1024;   // request line and fields: 431
  std::size_t target_bytes_max = 8 * 1024;  // 414
  std::size_t fields_max = 100;             // 431
};

class http_head_scanner {
 public:
  enum class verdict : std::uint8_t { need_more, complete, refused };

  explicit http_head_scanner(const http_head_limits& limits) : limits_(limits) {}

  // Scans what was not scanned before. `octets` begins with the head's first octet on every call.
  verdict scan(bytes_view octets);
  // After complete: the head is octets [start(), length()), which leaves out empty lines before the request line.
  [[nodiscard]] std::size_t start() const noexcept { return start_; }
  [[nodiscard]] std::size_t length() const noexcept { return position_; }
  // After refused: 400, 414 or 431, and why.
  [[nodiscard]] unsigned status() const noexcept { return status_; }
  [[nodiscard]] const char* reason() const noexcept { return reason_; }

 private:
  enum class state : std::uint8_t { start, start_lf, line, line_lf, field_start, name, value, value_lf, end_lf };
  void step(std::uint8_t c);
  void skip_run(bytes_view octets);
  void in_request_line(std::uint8_t c);
  void in_field_start(std::uint8_t c);
  void refuse(unsigned status, const char* reason);
  void expect_lf(std::uint8_t c, state next);

  http_head_limits limits_;
  std::size_t position_ = 0;
  std::size_t start_ = 0;
  std::size_t fields_ = 0;
  std::size_t spaces_ = 0;
  std::size_t target_bytes_ = 0;
  const char* reason_ = "";
  unsigned status_ = 0;
  state state_ = state::start;
  bool complete_ = false;
  bool skipped_empty_line_ = false;
};

}  // namespace msgkit::app
