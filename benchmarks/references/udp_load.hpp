// Request and answer over UDP: a client that keeps a window of datagrams under way, and a server that does nothing but
// answer. What the kernel and Asio allow for this exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "harness.hpp"

namespace msgkit::bench {

struct udp_load_result {
  double per_second = 0;
  std::uint64_t answered = 0;
  std::uint64_t lost = 0;  // of either direction; sent again after a pause
};

// Sends copies of `request` to 127.0.0.1:`port` from one socket, `window` of them under way, and counts answers. `*` in
// the request is replaced by a number that grows, `#` by its last digit. Blocks for about `length`.
udp_load_result run_udp_load(std::uint16_t port, const std::string& request, std::size_t window, seconds length);

// Answers every datagram with 20 octets, one read and one write each, on a thread of its own.
class bare_udp_server {
 public:
  bare_udp_server();
  ~bare_udp_server();
  bare_udp_server(const bare_udp_server&) = delete;
  bare_udp_server& operator=(const bare_udp_server&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::bench
