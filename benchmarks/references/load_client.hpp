// The client side of every server row: keeps a window of submit_sm full on each connection and measures the answers. It
// speaks to any SMPP server as well as to the bare ones beside it, so that subject and reference get the same load.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace msgkit::bench {

struct load_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::size_t connections = 50;
  std::size_t window = 10;           // unanswered requests per connection
  std::size_t write_batch_max = 64;  // requests that leave in one write
  std::chrono::duration<double> length{1.0};
  bool bind = false;                 // bind_transceiver first; the bare servers do not want it
  std::string system_id = "demo";
  std::string password = "secret";
};

struct load_result {
  std::uint64_t accepted = 0;  // submit_sm_resp with status 0
  std::uint64_t refused = 0;   // any other status
  double per_second = 0;       // accepted
  double p50_us = 0, p99_us = 0, p999_us = 0, max_us = 0;

  // "p50 120 us, p99 800 us" for a row's note; tells of refusals when there are any.
  [[nodiscard]] std::string to_string() const;
};

// Runs on the calling thread. Throws std::runtime_error when a connection or bind fails, when a server closes a
// connection, and when nothing at all was answered.
load_result run_load(const load_options& options);

}  // namespace msgkit::bench
