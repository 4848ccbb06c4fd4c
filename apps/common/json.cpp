#include "common/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

namespace msgkit::app {
namespace {

using nlohmann::json;

// The nesting of a text, whether or not it is JSON: bounds what the parser will build.
std::size_t nesting_of(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

std::string dump_json(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

bool parse_json(std::string_view text, json& out, std::string& why, const json_limits& limits) {
  if (text.size() > limits.bytes_max) {
    why = fmt::format("is larger than {} octets", limits.bytes_max);
    return false;
  }
  if (nesting_of(text) > limits.depth_max) {
    why = fmt::format("is nested deeper than {}", limits.depth_max);
    return false;
  }
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  std::optional<std::string> duplicate;
  const auto watch = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    else if (event == json::parse_event_t::object_end) keys.pop_back();
    else if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      duplicate = value.get<std::string>();
    return true;
  };
  try {
    out = json::parse(text.begin(), text.end(), watch);
  } catch (const json::parse_error& e) {
    why = fmt::format("is not JSON: error at octet {}", e.byte);
    return false;
  } catch (const json::exception&) {
    why = "holds a number out of range";
    return false;
  }
  if (duplicate) {
    why = fmt::format("has the key \"{}\" twice", *duplicate);
    return false;
  }
  return true;
}

std::string text_at(const nlohmann::json& in, const std::string& pointer) {
  if (pointer.empty()) return {};
  try {
    const nlohmann::json::json_pointer p(pointer);
    if (!in.contains(p)) return {};
    const auto& value = in.at(p);
    if (value.is_string()) return value.get<std::string>();
    return value.is_primitive() && !value.is_null() ? value.dump() : std::string();
  } catch (const nlohmann::json::exception&) {
    return {};  // "/to/0" where `to` is an object, and the like
  }
}

}  // namespace msgkit::app
