#include "msgkit/core/net/peer_address.hpp"

namespace msgkit {

std::string peer_address::to_string() const {
  const bool is_v6 = address.find(':') != std::string::npos;
  return (is_v6 ? '[' + address + ']' : address) + ':' + std::to_string(port);
}

}  // namespace msgkit
