#include <nlohmann/json.hpp>

#include "msgkit/bridge/rules/rule.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int json_depth_max = 64;

// Brackets outside strings; the parser itself sets no bound.
bool is_shallow(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

}  // namespace

std::string base64_encoded(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  const auto b = as_bytes(octets);
  for (std::size_t i = 0; i < b.size(); i += 3) {
    const auto left = b.size() - i;
    const auto octet = [&](std::size_t k) { return left > k ? static_cast<unsigned>(b[i + k]) : 0u; };
    const unsigned v = octet(0) << 16 | octet(1) << 8 | octet(2);
    out += alphabet[v >> 18];
    out += alphabet[v >> 12 & 63];
    out += left > 1 ? alphabet[v >> 6 & 63] : '=';
    out += left > 2 ? alphabet[v & 63] : '=';
  }
  return out;
}

bool base64_decoded(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto v = alphabet.find(c);
    if (v == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<unsigned>(v);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return (bits & ((1u << count) - 1)) == 0;  // another text of the same octets is a mistake somewhere
}

std::string json_envelope(const message& m, std::int64_t now_ms) {
  nlohmann::json j{{"topic", repaired_utf8(m.name)}, {"qos", m.qos}, {"retain", m.retain}, {"ts", now_ms}};
  auto& props = j["props"] = nlohmann::json::object();
  if (!m.content_type.empty()) props["content_type"] = repaired_utf8(m.content_type);
  if (!m.response_topic.empty()) props["response_topic"] = repaired_utf8(m.response_topic);
  if (!m.correlation_data.empty()) props["correlation_data_base64"] = base64_encoded(m.correlation_data);
  if (m.expires_at_ms != 0) props["expires_at_ms"] = m.expires_at_ms;
  for (const auto& [name, v] : m.user_properties) props["user"][repaired_utf8(name)].push_back(repaired_utf8(v));
  if (is_valid_utf8(m.payload)) j["payload"] = m.payload;
  else j["payload_base64"] = base64_encoded(m.payload);
  return j.dump();
}

bool json_picked(std::string_view json, std::string_view path, std::string& out) {
  if (!is_shallow(json)) return false;
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_discarded()) return false;
  const auto* at = &parsed;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string key(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (!at->is_object()) return false;
    const auto found = at->find(key);
    if (found == at->end()) return false;
    at = &*found;
  }
  out = at->is_string() ? at->get<std::string>() : at->dump();
  return true;
}

}  // namespace msgkit::bridge
