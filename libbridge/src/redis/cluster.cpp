#include "msgkit/bridge/redis/cluster.hpp"

#include <algorithm>

namespace msgkit::bridge::redis {

std::string to_string(const node_address& a) {
  const bool bare_v6 = a.host.find(':') != std::string::npos;
  return (bare_v6 ? "[" + a.host + "]" : a.host) + ":" + std::to_string(a.port);
}

// One-based; 0 when there are too many.
std::uint16_t cluster_map::index_of(std::vector<node_address>& nodes, node_address a) {
  const auto found = std::ranges::find(nodes, a);
  if (found != nodes.end()) return static_cast<std::uint16_t>(found - nodes.begin() + 1);
  if (nodes.size() >= nodes_max) return 0;
  nodes.push_back(std::move(a));
  return static_cast<std::uint16_t>(nodes.size());
}

result<void> cluster_map::learn(const value& slots, const node_address& from) {
  const fault refused{make_error_code(errc::cluster_map_invalid), "CLUSTER SLOTS", 0};
  if (slots.kind() != kind::array) return refused;
  std::vector<node_address> nodes;
  std::array<std::uint16_t, slot_count> owners{};
  for (const auto row : slots) {
    const auto first = row.child(0).integer(), last = row.child(1).integer();
    const auto master = row.child(2);
    const auto port = master.child(1).integer();
    const bool good = row.size() >= 3 && master.size() >= 2 && first >= 0 && first <= last &&
                      last < static_cast<std::int64_t>(slot_count) && port >= 0 && port <= 65'535;
    if (!good) return refused;
    const auto host = master.child(0).text();
    if (host == "?" || port == 0) continue;  // the node that answers does not know it yet
    const auto index =
        index_of(nodes, {host.empty() ? from.host : std::string(host), static_cast<std::uint16_t>(port)});
    if (index == 0) return refused;
    for (auto s = first; s <= last; ++s) owners[static_cast<std::size_t>(s)] = index;
  }
  if (nodes.empty()) return refused;
  nodes_ = std::move(nodes);
  owners_ = owners;
  return {};
}

node_address cluster_map::follow(const redirect& r, const node_address& from) {
  node_address to{r.host.empty() ? from.host : std::string(r.host), r.port};
  if (!r.ask)
    if (const auto index = index_of(nodes_, to); index != 0) owners_[r.slot] = index;
  return to;
}

const node_address* cluster_map::owner(std::uint16_t slot) const noexcept {
  const auto index = owner_index(slot);
  return index == 0 ? nullptr : &nodes_[index - 1u];
}

}  // namespace msgkit::bridge::redis
