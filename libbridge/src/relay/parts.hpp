// What the sources of the relay share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace msgkit::bridge {

constexpr std::size_t read_count_max = 100;  // entries of one XREADGROUP or XACK

inline std::vector<std::string_view> views(const std::vector<std::string>& all) { return {all.begin(), all.end()}; }

}  // namespace msgkit::bridge
