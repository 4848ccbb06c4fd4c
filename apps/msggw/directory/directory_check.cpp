#include "msggw/directory/directory_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "msggw/directory/rewrite_of.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view carrier_prefix = "carrier:", client_prefix = "client:";

change_error fine() { return {}; }
change_error invalid(std::string reason) { return {change_error::kind::invalid, {std::move(reason)}}; }
change_error conflict(std::string reason) { return {change_error::kind::conflict, {std::move(reason)}}; }

bool is_other(object_id found, object_id self) { return found != 0 && found != self; }

bool endpoint_exists(const directory_snapshot& in, std::string_view endpoint) {
  if (endpoint.starts_with(carrier_prefix)) return in.carrier_of(endpoint.substr(carrier_prefix.size())) != 0;
  if (endpoint.starts_with(client_prefix)) return in.client_of(endpoint.substr(client_prefix.size())) != 0;
  return false;
}

change_error routes_to(const directory_snapshot& in, const std::string& endpoint) {
  for (const auto& [id, r] : in.all<routing_rule>())
    for (const auto& hop : r->to)
      if (hop.endpoint == endpoint) return conflict(fmt::format("route {} leads here", r->name));
  return fine();
}

change_error users_of(const directory_snapshot& in, const std::string& carrier_name) {
  for (const auto& [id, n] : in.all<client_number>())
    if (n->carrier == carrier_name) return conflict(fmt::format("number {} is with this carrier", n->number));
  return routes_to(in, std::string(carrier_prefix) + carrier_name);
}

change_error no_client(std::string_view field, object_id id) {
  return invalid(fmt::format("{}: there is no client {}", field, id));
}

}  // namespace

change_error object_check::operator()(object_id id, const client& c) const {
  if (is_other(in.client_of(c.username), id)) return conflict(fmt::format("username: {} is taken", c.username));
  if (c.password.empty()) return invalid("password: is missing");
  if (c.settings.keep_margin && c.settings.price_list.empty()) return invalid("keep_margin: needs a price_list");
  return fine();
}

change_error object_check::operator()(object_id id, const client_number& n) const {
  if (!in.find<client>(n.client_id)) return no_client("client_id", n.client_id);
  if (is_other(in.number_of(n.number), id))
    return conflict(fmt::format("number: {} belongs to another client or is listed twice", n.number));
  if (!n.carrier.empty() && in.carrier_of(n.carrier) == 0)
    return invalid(fmt::format("carrier: there is no carrier {}", n.carrier));
  return fine();
}

change_error object_check::operator()(object_id id, const failover& f) const {
  if (!in.find<client>(f.client_id)) return no_client("client_id", f.client_id);
  if (!in.find<client>(f.fallback_client_id)) return no_client("fallback_client_id", f.fallback_client_id);
  if (f.client_id == f.fallback_client_id) return invalid("fallback_client_id: a client cannot stand in for itself");
  const bool repeated = std::ranges::any_of(in.all<failover>(), [&](const auto& other) {
    return other.first != id && other.second->client_id == f.client_id &&
           other.second->fallback_client_id == f.fallback_client_id;
  });
  return repeated ? conflict("fallback_client_id: is a fallback of this client already") : fine();
}

change_error object_check::operator()(object_id, const api_key& k) const {
  if (!in.find<client>(k.client_id)) return no_client("client_id", k.client_id);
  for (const auto number_id : k.allowed_number_ids) {
    const auto number = in.find<client_number>(number_id);
    if (!number || number->client_id != k.client_id)
      return invalid(fmt::format("allowed_number_ids: {} is not a number of this client", number_id));
  }
  return fine();
}

change_error object_check::operator()(object_id id, const administrator& a) const {
  for (const auto& [other_id, other] : in.all<administrator>())
    if (other_id != id && other->name == a.name) return conflict(fmt::format("name: {} is taken", a.name));
  return fine();
}

change_error object_check::operator()(object_id id, const carrier& c) const {
  if (is_other(in.carrier_of(c.name), id)) return conflict(fmt::format("name: {} is taken", c.name));
  if (std::ranges::find(carrier_types, c.type) == carrier_types.end())
    return invalid(fmt::format("type: must be one of {}", fmt::join(carrier_types, ", ")));
  // A carrier that is described by a template may have no login, and one of MM4 none to us.
  if (c.password.empty() && c.http_template.empty() && c.type != "mm4") return invalid("password: is missing");
  if (c.type == "mm4" && c.address.empty()) return invalid("address: is missing");
  if (c.type == "smpp" && c.smpp.host.empty()) return invalid("smpp.host: is missing");
  if (!carrier_faults) return fine();
  auto faults = carrier_faults(c);
  return faults.empty() ? fine() : change_error{change_error::kind::unusable, std::move(faults)};
}

change_error object_check::operator()(object_id id, const routing_rule& r) const {
  for (const auto& [other_id, other] : in.all<routing_rule>())
    if (other_id != id && other->name == r.name) return conflict(fmt::format("name: {} is taken", r.name));
  for (const auto& hop : r.to)
    if (!endpoint_exists(in, hop.endpoint))
      return invalid(fmt::format("to: there is no {}; endpoints are carrier:NAME and client:USERNAME", hop.endpoint));
  return fine();
}

change_error object_check::operator()(object_id id, const rewrite& r) const {
  std::size_t others = 0;
  for (const auto& [other_id, other] : in.all<rewrite>()) {
    if (other_id == id) continue;
    if (other->name == r.name) return conflict(fmt::format("name: {} is taken", r.name));
    if (++others == engine::rewrite_rules_max) return conflict("there are as many rules as there may be");
  }
  std::string why;
  engine::rewrite_rule rule;
  if (!read_rule(r, rule, why)) return invalid(why);
  return fine();
}

change_error check_removal(const directory_snapshot& in, const carrier& c) { return users_of(in, c.name); }

change_error check_removal(const directory_snapshot& in, const client& c) {
  return routes_to(in, std::string(client_prefix) + c.username);
}

change_error check_renaming(const directory_snapshot& in, const carrier& before, const carrier& after) {
  return before.name == after.name ? fine() : users_of(in, before.name);
}

change_error check_renaming(const directory_snapshot&, const client& before, const client& after) {
  // Its queue, its history and the routes to it go by this name.
  return before.username == after.username ? fine() : invalid("username: cannot change; make a new client");
}

}  // namespace msgkit::app
