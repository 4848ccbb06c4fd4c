#include "common/http_auth.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "msgkit/core/secure.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto values = [] {
  std::array<std::int8_t, 256> t{};
  t.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    t[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return t;
}();

// What follows the scheme's name in Authorization; empty for another scheme.
std::string_view after_scheme(const http_request& request, std::string_view scheme) {
  auto value = request.header("Authorization");
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ' || !iequals(value.substr(0, scheme.size()), scheme))
    return {};
  value.remove_prefix(scheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

http_response challenge(const std::string& realm) {
  auto r = http_error(401, "credentials are missing or wrong");
  r.fields.push_back({"WWW-Authenticate", fmt::format("Basic realm=\"{}\", charset=\"UTF-8\"", realm)});
  return r;
}

}  // namespace

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto value = values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return out;
}

std::string base64_encode(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    std::uint32_t bits = 0;
    const auto have = std::min<std::size_t>(3, octets.size() - i);
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < have ? static_cast<unsigned char>(octets[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::optional<http_credentials> basic_credentials(const http_request& request) {
  const auto encoded = after_scheme(request, "Basic");
  if (encoded.empty()) return std::nullopt;
  const auto decoded = base64_decode(encoded);
  if (!decoded) return std::nullopt;
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return http_credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

std::string_view address_of_peer(std::string_view peer) noexcept {
  auto address = peer.substr(0, peer.rfind(':'));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address;
}

std::string_view bearer_token(const http_request& request) { return after_scheme(request, "Bearer"); }

http_guard require_basic(std::string realm, std::function<bool(const http_credentials&)> verify) {
  return [realm = std::move(realm), verify = std::move(verify)](const http_request& r) -> std::optional<http_response> {
    const auto given = basic_credentials(r);
    if (given && verify(*given)) return std::nullopt;
    return challenge(realm);
  };
}

http_guard require_api_key(std::string realm, std::string key) {
  return [realm = std::move(realm), key = std::move(key)](const http_request& r) -> std::optional<http_response> {
    const auto basic = basic_credentials(r);
    const auto given = basic ? std::string_view(basic->password) : bearer_token(r);
    if (!key.empty() && constant_time_equal(given, key)) return std::nullopt;
    return challenge(realm);
  };
}

}  // namespace msgkit::app
