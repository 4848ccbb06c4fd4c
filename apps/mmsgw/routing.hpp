// Where a message goes: which groups by its recipient's number and network, and which gateway of a group by what it
// costs. Pure functions over what the configuration says. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/price_list.hpp"

namespace msgkit::app::mms {

// A recipient as routes and prices see it.
struct destination {
  std::string number{};   // as the sender wrote it
  std::string routing{};  // by which it is routed since it was ported; empty: as it was written
  std::string network{};  // "24001" or any other name; empty: not known
};

// What routes call the senders that are no peers. No gateway has this name.
inline constexpr std::string_view application_name = "application";

struct mms_route {
  std::string from{};             // name of a gateway, or application_name; empty: any gateway
  std::string prefix{};           // of the routing number, or else of the number; empty: every number
  std::string network{};          // empty: every network
  std::vector<std::string> to{};  // groups, at least one; the further ones stand in
};

class route_list {
 public:
  route_list() = default;
  explicit route_list(std::vector<mms_route> routes) : routes_(std::move(routes)) {}

  // A route that names the network goes before those that do not, then the longest prefix counts, then the earlier one.
  // Where no route fits the routing number, the number itself is looked for. Null: none fits.
  [[nodiscard]] const mms_route* find(std::string_view from, const destination& d) const;
  // Whether a route of this sender fits the number, whatever its network may be.
  [[nodiscard]] bool covers(std::string_view from, std::string_view number) const;
  [[nodiscard]] bool names(std::string_view from) const;  // whether a route is for this sender by name
  [[nodiscard]] bool empty() const noexcept { return routes_.empty(); }

 private:
  [[nodiscard]] const mms_route* best(std::string_view from, std::string_view number, std::string_view network) const;
  std::vector<mms_route> routes_;
};

// What a message to somebody costs at a gateway, in whole thousandths of a currency's unit.
struct gateway_prices {
  std::uint64_t cost = 0;  // where nothing else is said
  engine::price_list by_prefix{std::vector<engine::price_list::price>{}};
  std::map<std::string, std::uint64_t, std::less<>> by_network{};

  // By network, else by the longest prefix of the routing number, else of the number.
  [[nodiscard]] std::uint64_t of(const destination& d) const;
  [[nodiscard]] bool depends_on_number() const noexcept { return !by_network.empty() || !by_prefix.prices().empty(); }
};

// A gateway that is up and carries the message.
struct candidate {
  std::uint64_t cost = 0;
  bool is_resting = false;  // failed a moment ago
  bool is_suspect = false;  // has failed, and this message was tried before
  bool is_full = false;     // has no room now, or its pace is reached
  bool overflows = false;   // while it is full, dearer ones may take its messages
  std::size_t in_flight = 0;
};

// The cheapest that works; of those that cost the same the one with the least to do. While it is full, the message
// waits for it unless it overflows. One that rests or is suspect is used when no other works. Nothing: the message
// waits.
std::optional<std::size_t> pick(std::span<const candidate> all);

}  // namespace msgkit::app::mms
