// A dialect as an operator writes it: the `template` object of a carrier of type "generic", explained in
// docs/carriers.md. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/http_dialect.hpp"

namespace msgkit::app {

constexpr std::string_view generic_carrier_type = "generic";
constexpr std::size_t dialect_json_octets_max = 32 * 1024;

// The dialect that `text` describes. `errors` gets a line for each key that is unknown, of the wrong type or out of its
// range, by its path: "errors[2].outcome: must be one of ..."; the dialect is of use only when there is none.
http_dialect read_http_dialect(std::string_view text, std::vector<std::string>& errors);

}  // namespace msgkit::app
