// Safe use of nlohmann-json. Sources that build or read JSON include <nlohmann/json.hpp> themselves.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace msgkit::app {

// Never throws for ill-formed UTF-8: it becomes U+FFFD. `indent` < 0: one line.
std::string dump_json(const nlohmann::json& value, int indent = -1);

struct json_limits {
  std::size_t bytes_max = 1024 * 1024;
  std::size_t depth_max = 32;
};

// Parses one document into `out`. Refuses what parsers disagree about or what could hurt: duplicate keys, numbers out
// of range, ill-formed UTF-8, nesting beyond the limit, anything behind the document. False with the reason in `why`,
// fit for the client.
[[nodiscard]] bool parse_json(std::string_view text, nlohmann::json& out, std::string& why,
                              const json_limits& limits = {});

// The scalar at a pointer ("/to/0") as text; empty when there is none.
std::string text_at(const nlohmann::json& in, const std::string& pointer);

}  // namespace msgkit::app
