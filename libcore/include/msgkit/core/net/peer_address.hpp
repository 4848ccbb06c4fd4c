// Who is at the other end of a connection. Knows no Asio.
#pragma once

#include <cstdint>
#include <string>

namespace msgkit {

// Behind a PROXY protocol balancer this is the original client, not the balancer.
struct peer_address {
  std::string address{};
  std::uint16_t port = 0;

  // "192.0.2.1:2775", "[2001:db8::1]:2775".
  [[nodiscard]] std::string to_string() const;
};

}  // namespace msgkit
