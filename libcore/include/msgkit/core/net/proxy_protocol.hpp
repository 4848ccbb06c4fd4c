// PROXY protocol, versions 1 and 2: the line or block a balancer puts before the client's first octet.
#pragma once

#include <cstddef>
#include <optional>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/net/peer_address.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit {

constexpr std::size_t proxy_header_bytes_max = 232;  // v1 needs 107, v2 with AF_UNIX addresses 232

struct proxy_header {
  std::size_t length = 0;              // octets to consume
  std::optional<peer_address> source{};  // absent for LOCAL and UNKNOWN: keep the socket's own address
};

// Returns nullopt while the header is incomplete. Errors: errc::proxy_header_invalid.
result<std::optional<proxy_header>> parse_proxy_header(bytes_view octets);

}  // namespace msgkit
