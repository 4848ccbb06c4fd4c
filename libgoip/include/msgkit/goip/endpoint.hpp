// Where a datagram came from or goes to. No socket: a value that the driver fills in.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace msgkit::goip {

struct endpoint {
  std::array<std::uint8_t, 16> address{};  // IPv6 in network order, IPv4 as ::ffff:a.b.c.d
  std::uint16_t port = 0;
  std::uint16_t socket = 0;  // which of the driver's sockets

  friend bool operator==(const endpoint&, const endpoint&) = default;
  [[nodiscard]] bool is_set() const noexcept { return port != 0; }
  [[nodiscard]] static endpoint ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                                     std::uint16_t port) noexcept {
    return {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d}, .port = port};
  }
};

// "192.0.2.1:44444", "[2001:db8::1]:44444".
std::string to_string(const endpoint& e);

}  // namespace msgkit::goip
