#include "common/forwarded.hpp"

#include "msgkit/core/net/peer_address.hpp"

namespace msgkit::app {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Without port and brackets: "192.0.2.1:80" and "[2001:db8::1]:80" are written by some.
std::string_view bare_address(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') == text.npos ? 0 : text.find(']') - 1);
  if (text.find(':') != text.npos && text.find(':') == text.rfind(':')) return text.substr(0, text.find(':'));
  return text;
}

}  // namespace

std::string requester_of(const http_request& r, std::string_view peer, const ip_ranges& trusted) {
  const auto colon = peer.rfind(':');
  if (trusted.empty() || colon == peer.npos || !trusted.contains(bare_address(peer))) return std::string(peer);
  for (auto field = r.fields.rbegin(); field != r.fields.rend(); ++field) {
    if (!iequals(field->name, "X-Forwarded-For")) continue;
    std::string_view rest = field->value;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const auto last = bare_address(trimmed(comma == rest.npos ? rest : rest.substr(comma + 1)));
      rest = comma == rest.npos ? std::string_view{} : rest.substr(0, comma);
      std::error_code ec;
      const auto address = asio::ip::make_address(last, ec);
      if (ec) return std::string(peer);
      if (trusted.contains(address)) continue;
      return peer_address{address.to_string(), 0}.to_string();
    }
  }
  return std::string(peer);
}

}  // namespace msgkit::app
