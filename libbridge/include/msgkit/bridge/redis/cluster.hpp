// Which node of a Redis Cluster owns which slot, as the nodes tell: by CLUSTER SLOTS, and by MOVED and ASK. Not
// thread-safe: owned by one relay.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "msgkit/bridge/redis/command.hpp"
#include "msgkit/bridge/redis/reply.hpp"

namespace msgkit::bridge::redis {

constexpr std::size_t slot_count = 16'384;

struct node_address {
  std::string host{};
  std::uint16_t port = 0;
  friend bool operator==(const node_address&, const node_address&) = default;
};
std::string to_string(const node_address& a);  // "host:port", an IPv6 host in brackets

class cluster_map {
 public:
  static constexpr std::size_t nodes_max = 1'000;

  // Takes what CLUSTER SLOTS answered at `from`, which a node without a host means itself. Errors: cluster_map_invalid,
  // also when no slot has an owner or there are more than nodes_max; the map is then as before.
  result<void> learn(const value& slots, const node_address& from);
  // Where a redirect from `from` leads. MOVED changes the owner, ASK is about one command.
  node_address follow(const redirect& r, const node_address& from);

  [[nodiscard]] bool is_known() const noexcept { return !nodes_.empty(); }
  // Null: nobody owns it. Valid until the next change.
  [[nodiscard]] const node_address* owner(std::uint16_t slot) const noexcept;
  // The same as an index into nodes(), one-based; 0: nobody.
  [[nodiscard]] std::uint16_t owner_index(std::uint16_t slot) const noexcept {
    return slot < slot_count ? owners_[slot] : std::uint16_t{0};
  }
  // All that own slots, or did until the last learn().
  [[nodiscard]] std::span<const node_address> nodes() const noexcept { return nodes_; }

 private:
  static std::uint16_t index_of(std::vector<node_address>& nodes, node_address a);

  std::vector<node_address> nodes_;
  std::array<std::uint16_t, slot_count> owners_{};  // index into nodes_ plus one, 0: nobody
};

}  // namespace msgkit::bridge::redis
