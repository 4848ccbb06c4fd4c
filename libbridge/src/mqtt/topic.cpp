#include "msgkit/bridge/mqtt/topic.hpp"

#include "msgkit/bridge/mqtt/property.hpp"
#include "msgkit/bridge/mqtt/types.hpp"

namespace msgkit::bridge::mqtt {
namespace {

bool has_text_size(std::string_view text) noexcept { return !text.empty() && text.size() <= text_bytes_max; }

// Takes the first level off; `more` tells whether a slash followed it.
std::string_view take_level(std::string_view& rest, bool& more) noexcept {
  const auto slash = rest.find('/');
  const auto level = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest = more ? rest.substr(slash + 1) : std::string_view{};
  return level;
}

}  // namespace

bool is_topic_name(std::string_view text) noexcept {
  return has_text_size(text) && text.find_first_of("+#") == std::string_view::npos && is_mqtt_text(text);
}

bool is_topic_filter(std::string_view text) noexcept {
  if (!has_text_size(text) || !is_mqtt_text(text)) return false;
  for (bool more = true; more;) {
    const auto level = take_level(text, more);
    const bool has_wildcard = level.find_first_of("+#") != std::string_view::npos;
    if (has_wildcard && (level.size() != 1 || (level == "#" && more))) return false;
  }
  return true;
}

bool split_shared(std::string_view text, shared_filter& out) noexcept {
  constexpr std::string_view prefix = "$share/";
  out = {{}, text};
  if (!text.starts_with(prefix)) return is_topic_filter(text);
  text.remove_prefix(prefix.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  out = {text.substr(0, slash), text.substr(slash + 1)};
  return out.group.find_first_of("+#") == std::string_view::npos && is_mqtt_text(out.group) && is_topic_filter(out.filter);
}

bool matches(std::string_view filter, std::string_view name) noexcept {
  if (name.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#'))) return false;
  bool more_filter = true;
  bool more_name = true;
  while (more_filter) {
    const auto level = take_level(filter, more_filter);
    if (level == "#") return true;  // also of no level at all: "a/#" has "a" under it
    if (!more_name) return false;
    if (const auto part = take_level(name, more_name); level != "+" && level != part) return false;
  }
  return !more_name;
}

}  // namespace msgkit::bridge::mqtt
