// The stored form of an opt-out, for whoever lists them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"

namespace msgkit::engine {

struct opt_out_entry {
  std::string pool{}, number{};
  wall_time since{};
  std::string reason{};  // the keyword, or what the opt_out event said
  friend bool operator==(const opt_out_entry&, const opt_out_entry&) = default;
};

std::string encode_opt_out(wall_time since, std::string_view reason);
// nullopt: the key is none of an opt-out.
std::optional<opt_out_entry> decode_opt_out(std::string_view key, std::string_view value);

}  // namespace msgkit::engine
