#include "msgkit/xmppcomp/xep/disco.hpp"

#include <algorithm>

#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {
namespace {

std::optional<std::string_view> node_of(const element& iq, std::string_view space) noexcept {
  const auto* query = iq.get("type") == "get" ? iq.child("query", space) : nullptr;
  return query == nullptr ? std::nullopt : std::optional(query->get("node"));
}

element make_query(std::string_view space, std::string_view node) {
  element query("query", space);
  if (!node.empty()) query.set("node", node);
  return query;
}

void set_unless_empty(element& e, std::string_view name, std::string_view value) {
  if (!value.empty()) e.set(name, value);
}

}  // namespace

bool disco_info::has_feature(std::string_view feature) const noexcept {
  return std::ranges::find(features, feature) != features.end();
}

std::optional<std::string_view> disco_info_node(const element& iq) noexcept { return node_of(iq, ns::disco_info); }
std::optional<std::string_view> disco_items_node(const element& iq) noexcept { return node_of(iq, ns::disco_items); }

element make_disco_info(const disco_info& info) {
  auto query = make_query(ns::disco_info, info.node);
  for (const auto& i : info.identities) {
    auto& e = query.add("identity").set("category", i.category).set("type", i.type);
    set_unless_empty(e, "name", i.name);
  }
  for (const auto& f : info.features) query.add("feature").set("var", f);
  return query;
}

element make_disco_items(const std::vector<disco_item>& items, std::string_view node) {
  auto query = make_query(ns::disco_items, node);
  for (const auto& i : items) {
    auto& e = query.add("item").set("jid", i.jid);
    set_unless_empty(e, "node", i.node);
    set_unless_empty(e, "name", i.name);
  }
  return query;
}

std::optional<disco_info> parse_disco_info(const element& iq) {
  const auto* query = iq.child("query", ns::disco_info);
  if (query == nullptr) return std::nullopt;
  disco_info info{.node = std::string(query->get("node"))};
  for (const auto& c : query->children) {
    if (c.is("identity", ns::disco_info))
      info.identities.push_back(
          {std::string(c.get("category")), std::string(c.get("type")), std::string(c.get("name"))});
    else if (c.is("feature", ns::disco_info))
      info.features.emplace_back(c.get("var"));
  }
  return info;
}

std::optional<std::vector<disco_item>> parse_disco_items(const element& iq) {
  const auto* query = iq.child("query", ns::disco_items);
  if (query == nullptr) return std::nullopt;
  std::vector<disco_item> items;
  for (const auto& c : query->children)
    if (c.is("item", ns::disco_items))
      items.push_back({std::string(c.get("jid")), std::string(c.get("node")), std::string(c.get("name"))});
  return items;
}

}  // namespace msgkit::xmppcomp
