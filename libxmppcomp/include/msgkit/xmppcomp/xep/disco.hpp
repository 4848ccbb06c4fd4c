// Service discovery (XEP-0030).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/xmppcomp/element.hpp"

namespace msgkit::xmppcomp {

struct disco_identity {
  std::string category{}, type{}, name{};

  friend bool operator==(const disco_identity&, const disco_identity&) = default;
};
struct disco_info {
  std::string node{};
  std::vector<disco_identity> identities{};
  std::vector<std::string> features{};

  [[nodiscard]] bool has_feature(std::string_view feature) const noexcept;
  friend bool operator==(const disco_info&, const disco_info&) = default;
};
struct disco_item {
  std::string jid{}, node{}, name{};

  friend bool operator==(const disco_item&, const disco_item&) = default;
};

// The node a query of either kind asks about; nullopt when the iq is none.
std::optional<std::string_view> disco_info_node(const element& iq) noexcept;
std::optional<std::string_view> disco_items_node(const element& iq) noexcept;
// Payloads of queries and of answers.
element make_disco_info(const disco_info& info);
element make_disco_items(const std::vector<disco_item>& items, std::string_view node = {});
std::optional<disco_info> parse_disco_info(const element& iq);
std::optional<std::vector<disco_item>> parse_disco_items(const element& iq);

}  // namespace msgkit::xmppcomp
