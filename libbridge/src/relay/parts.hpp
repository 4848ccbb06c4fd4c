// What the sources of the relay share.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::bridge {

constexpr std::size_t read_count_max = 100;  // entries of one XREADGROUP or XACK

constexpr std::uint64_t shard_cookie = 16;  // SSUBSCRIBE of the first shard on a subscriber's link

template <std::size_t N>
constexpr std::array<std::string_view, N> words(const std::string_view (&all)[N]) {
  return std::to_array(all);
}
inline std::vector<std::string_view> views(const std::vector<std::string>& all) { return {all.begin(), all.end()}; }

}  // namespace msgkit::bridge
