#include "msgkit/goip/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace msgkit::goip {

std::string to_string(const endpoint& e) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool is_ipv4 = std::equal(mapped.begin(), mapped.end(), e.address.begin());
  char text[INET6_ADDRSTRLEN]{};
  inet_ntop(is_ipv4 ? AF_INET : AF_INET6, e.address.data() + (is_ipv4 ? mapped.size() : 0), text, sizeof text);
  const std::string address = is_ipv4 ? text : "[" + std::string(text) + "]";
  return address + ":" + std::to_string(e.port);
}

}  // namespace msgkit::goip
