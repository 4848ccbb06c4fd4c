#include "msgkit/core/net/proxy_protocol.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "msgkit/core/error.hpp"

namespace msgkit {
namespace {

constexpr std::uint8_t v2_signature[] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::size_t v2_fixed_bytes = 16;
constexpr std::size_t v1_line_bytes_max = 107;

fault invalid(std::size_t offset) { return {make_error_code(errc::proxy_header_invalid), "proxy_header", offset}; }

bool starts_alike(bytes_view octets, bytes_view prefix) {
  const auto count = std::min(octets.size(), prefix.size());
  return std::equal(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(count), prefix.begin());
}

std::string address_text(int family, const std::uint8_t* octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, octets, text.data(), text.size());
}

std::optional<std::string_view> next_word(std::string_view& line) {
  if (line.empty()) return std::nullopt;
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

result<std::optional<proxy_header>> parse_v1(bytes_view octets) {
  const auto text = as_text(octets.first(std::min(octets.size(), v1_line_bytes_max)));
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) {
    if (octets.size() >= v1_line_bytes_max) return invalid(0);
    return std::optional<proxy_header>{};
  }
  proxy_header header{.length = end + 2};
  auto line = text.substr(0, end);
  next_word(line);  // "PROXY"
  const auto family = next_word(line);
  if (family == "UNKNOWN") return std::optional{header};
  const auto source = next_word(line);
  const auto destination = next_word(line);
  const auto source_port = next_word(line);
  if ((family != "TCP4" && family != "TCP6") || !source || !destination || !source_port) return invalid(6);
  const int kind = family == "TCP6" ? AF_INET6 : AF_INET;
  std::array<std::uint8_t, 16> octets_of_source{};
  if (inet_pton(kind, std::string(*source).c_str(), octets_of_source.data()) != 1) return invalid(11);
  peer_address peer{.address = address_text(kind, octets_of_source.data())};
  const auto [last, error] = std::from_chars(source_port->data(), source_port->data() + source_port->size(), peer.port);
  if (error != std::errc{} || last != source_port->data() + source_port->size()) return invalid(11);
  header.source = std::move(peer);
  return std::optional{header};
}

result<std::optional<proxy_header>> parse_v2(bytes_view octets) {
  if (octets.size() < v2_fixed_bytes) return std::optional<proxy_header>{};
  const auto version_command = octets[12];
  const auto family = octets[13];
  const std::size_t length = load_big<std::uint16_t>(&octets[14]);
  if (version_command >> 4 != 2 || (version_command & 15) > 1) return invalid(12);
  if (v2_fixed_bytes + length > proxy_header_bytes_max) return invalid(14);
  if (octets.size() < v2_fixed_bytes + length) return std::optional<proxy_header>{};
  proxy_header header{.length = v2_fixed_bytes + length};
  if ((version_command & 15) == 0) return std::optional{header};
  const auto body = octets.subspan(v2_fixed_bytes, length);
  if (family >> 4 == 1) {
    if (length < 12) return invalid(14);
    header.source = peer_address{address_text(AF_INET, body.data()), load_big<std::uint16_t>(&body[8])};
  } else if (family >> 4 == 2) {
    if (length < 36) return invalid(14);
    header.source = peer_address{address_text(AF_INET6, body.data()), load_big<std::uint16_t>(&body[32])};
  }
  return std::optional{header};
}

}  // namespace

result<std::optional<proxy_header>> parse_proxy_header(bytes_view octets) {
  if (octets.empty()) return std::optional<proxy_header>{};
  if (starts_alike(octets, bytes_view{v2_signature})) {
    if (octets.size() < sizeof v2_signature) return std::optional<proxy_header>{};
    return parse_v2(octets);
  }
  constexpr std::string_view v1_start = "PROXY ";
  if (!starts_alike(octets, as_bytes(v1_start))) return invalid(0);
  if (octets.size() < v1_start.size()) return std::optional<proxy_header>{};
  return parse_v1(octets);
}

}  // namespace msgkit
