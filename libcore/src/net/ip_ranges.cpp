#include "msgkit/core/net/ip_ranges.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "msgkit/core/error.hpp"

namespace msgkit {
namespace {

using octets = asio::ip::address_v6::bytes_type;
constexpr unsigned ipv4_prefix_bits = 96;

octets octets_of(const asio::ip::address_v4& a) {
  octets out{};
  out[10] = out[11] = 0xFF;
  std::ranges::copy(a.to_bytes(), out.begin() + 12);
  return out;
}

octets octets_of(const asio::ip::address& a) { return a.is_v4() ? octets_of(a.to_v4()) : a.to_v6().to_bytes(); }

bool shares_prefix(const octets& a, const octets& b, unsigned bits) {
  const auto whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const auto rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - rest));
  return (a[whole] & mask) == (b[whole] & mask);
}

struct special_range {
  std::array<std::uint8_t, 4> prefix;
  unsigned bits;
};
// RFC 6890 and its updates: everything that is not globally reachable unicast.
constexpr special_range special_ipv4[]{
    {{0, 0, 0, 0}, 8},       {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},  {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16},  {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},   {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24},  {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15},  {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24},  {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

bool is_public_v4(const std::uint8_t* a) {
  const auto value = [](const std::uint8_t* b) {
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
  };
  return std::ranges::none_of(special_ipv4, [&](const special_range& s) {
    return (value(a) ^ value(s.prefix.data())) >> (32 - s.bits) == 0;
  });
}

struct embedding {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
  unsigned at;    // where the IPv4 address stands
  bool inverted;  // Teredo hides the client's address by flipping its bits
};
constexpr embedding embeddings[]{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96, 12, false},  // IPv4-mapped
    {{0, 0x64, 0xFF, 0x9B}, 96, 12, false},                       // NAT64
    {{0x20, 0x02}, 16, 2, false},                                 // 6to4
    {{0x20, 0x01, 0, 0}, 32, 12, true},                           // Teredo
};

struct special_range_v6 {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
};
constexpr special_range_v6 special_ipv6[]{
    {{0x20, 0x01, 0x0D, 0xB8}, 32},              // documentation
    {{0x3F, 0xFF}, 20},                          // documentation
    {{0x20, 0x01, 0, 0x02}, 48},                 // benchmarking
    {{0x20, 0x01, 0, 0x10}, 28},                 // ORCHID
    {{0x20, 0x01, 0, 0x20}, 28},                 // ORCHIDv2
};

bool is_public_v6(const octets& a) {
  for (const auto& e : embeddings) {
    if (!shares_prefix(a, e.prefix, e.bits)) continue;
    std::array<std::uint8_t, 4> inner{};
    for (std::size_t i = 0; i < 4; ++i) inner[i] = static_cast<std::uint8_t>(a[e.at + i] ^ (e.inverted ? 0xFF : 0));
    return is_public_v4(inner.data());
  }
  constexpr octets global_unicast{0x20};  // 2000::/3 is all that is assigned
  return shares_prefix(a, global_unicast, 3) &&
         std::ranges::none_of(special_ipv6, [&](const auto& s) { return shares_prefix(a, s.prefix, s.bits); });
}

}  // namespace

result<ip_ranges> ip_ranges::parse(const std::vector<std::string>& texts) {
  ip_ranges out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = texts[i];
    const fault bad{.code = make_error_code(errc::invalid_configuration), .offset = i};
    const auto slash = std::min(text.find('/'), text.size());
    std::error_code error;
    const auto address = asio::ip::make_address(text.substr(0, slash), error);
    if (error || (address.is_v6() && address.to_v6().scope_id() != 0)) return bad;
    const unsigned offset = address.is_v4() ? ipv4_prefix_bits : 0;
    unsigned bits = 128 - offset;
    if (slash < text.size()) {
      const auto digits = text.substr(slash + 1);
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
      if (ec != std::errc{} || end != digits.data() + digits.size() || bits > 128 - offset) return bad;
    }
    out.ranges_.push_back({octets_of(address), bits + offset});
  }
  return out;
}

bool ip_ranges::contains(const asio::ip::address& address) const noexcept {
  const auto wanted = octets_of(address);
  return std::ranges::any_of(ranges_, [&](const range& r) { return shares_prefix(wanted, r.prefix, r.bits); });
}

bool ip_ranges::contains(std::string_view address) const noexcept {
  std::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  return !error && contains(parsed);
}

bool is_public_address(const asio::ip::address& address) noexcept {
  return address.is_v4() ? is_public_v4(address.to_v4().to_bytes().data()) : is_public_v6(address.to_v6().to_bytes());
}

}  // namespace msgkit
