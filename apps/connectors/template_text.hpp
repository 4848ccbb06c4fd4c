// Texts with ${name} in them, and how what stands for a name is written where it goes. Pure functions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace msgkit::app {

// Calls `text(literal)` and `value(name)` in the template's order; false when a "${" is not closed.
template <class Text, class Value>
bool walk_template(std::string_view t, const Text& text, const Value& value) {
  while (!t.empty()) {
    const auto open = std::min(t.find("${"), t.size());
    if (open > 0) text(t.substr(0, open));
    if (open == t.size()) return true;
    const auto close = t.find('}', open);
    if (close == std::string_view::npos) return false;
    value(t.substr(open + 2, close - open - 2));
    t.remove_prefix(close + 1);
  }
  return true;
}

// The template with `value(name)` for each name; what follows a "${" that is not closed is left out.
template <class Value>
std::string fill_template(std::string_view t, const Value& value) {
  std::string out;
  walk_template(
      t, [&](std::string_view literal) { out += literal; }, [&](std::string_view name) { out += value(name); });
  return out;
}

// Why it is no template over names that `known(name)` accepts; empty when it is one.
template <class Known>
std::string check_template(std::string_view t, const Known& known) {
  std::string problem;
  const bool closed = walk_template(
      t, [](std::string_view) {},
      [&](std::string_view name) {
        if (problem.empty() && !known(name)) problem = "unknown name ${" + std::string(name) + '}';
      });
  if (!problem.empty()) return problem;
  return closed ? "" : "a ${ is not closed";
}

std::string percent_encode(std::string_view text);
// As content and as attribute; controls that XML 1.0 cannot hold become blanks.
std::string xml_escape(std::string_view text);
// As inside the quotes of a JSON string.
std::string json_escape(std::string_view text);
// Without what would begin another field.
std::string header_value(std::string_view text);

}  // namespace msgkit::app
