// Sets of addresses in CIDR notation: who may connect, and where we may connect to.
#pragma once

#include <asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/result.hpp"

namespace msgkit {

// An immutable value; reading is thread-safe. A handful of ranges is expected: look-up walks them all.
class ip_ranges {
 public:
  ip_ranges() = default;
  // Each text is an address ("192.0.2.7", "2001:db8::1") or a range ("192.0.2.0/24", "2001:db8::/32"); bits behind the
  // prefix are ignored. Errors: errc::invalid_configuration, the fault's offset is the index of the bad text.
  static result<ip_ranges> parse(const std::vector<std::string>& texts);

  // IPv4 written as IPv6 (an IPv4-mapped address) is judged as the IPv4 address it carries.
  [[nodiscard]] bool contains(const asio::ip::address& address) const noexcept;
  // False for text that is no address.
  [[nodiscard]] bool contains(std::string_view address) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }

 private:
  struct range {
    asio::ip::address_v6::bytes_type prefix{};  // IPv4 as ::ffff:a.b.c.d
    unsigned bits = 0;
  };
  std::vector<range> ranges_;
};

// True for an address that belongs to the public Internet: not loopback, private, link-local, shared, documentation,
// benchmarking, multicast, reserved, unspecified, nor one that embeds such an IPv4 address (mapped, compatible, NAT64,
// 6to4, Teredo). IANA special-purpose registries, RFC 6890.
bool is_public_address(const asio::ip::address& address) noexcept;

}  // namespace msgkit
