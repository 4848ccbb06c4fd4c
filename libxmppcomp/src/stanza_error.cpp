#include "msgkit/xmppcomp/stanza_error.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view ns = "urn:ietf:params:xml:ns:xmpp-stanzas";

using enum stanza_condition;
constexpr stanza_condition_info table[] = {
    // value            name                 recommended type (RFC 6120 section 8.3.3)
    {bad_request, "bad-request", error_type::modify},
    {conflict, "conflict", error_type::cancel},
    {feature_not_implemented, "feature-not-implemented", error_type::cancel},
    {forbidden, "forbidden", error_type::auth},
    {gone, "gone", error_type::cancel},
    {internal_server_error, "internal-server-error", error_type::cancel},
    {item_not_found, "item-not-found", error_type::cancel},
    {jid_malformed, "jid-malformed", error_type::modify},
    {not_acceptable, "not-acceptable", error_type::modify},
    {not_allowed, "not-allowed", error_type::cancel},
    {not_authorized, "not-authorized", error_type::auth},
    {policy_violation, "policy-violation", error_type::modify},
    {recipient_unavailable, "recipient-unavailable", error_type::wait},
    {redirect, "redirect", error_type::modify},
    {registration_required, "registration-required", error_type::auth},
    {remote_server_not_found, "remote-server-not-found", error_type::cancel},
    {remote_server_timeout, "remote-server-timeout", error_type::wait},
    {resource_constraint, "resource-constraint", error_type::wait},
    {service_unavailable, "service-unavailable", error_type::cancel},
    {subscription_required, "subscription-required", error_type::auth},
    {undefined_condition, "undefined-condition", error_type::cancel},
    {unexpected_request, "unexpected-request", error_type::wait},
};

constexpr bool is_indexed_by_value() {
  for (std::size_t i = 0; i < std::size(table); ++i)
    if (static_cast<std::size_t>(table[i].value) != i + 1) return false;
  return true;
}
static_assert(is_indexed_by_value());

constexpr std::string_view type_names[] = {"cancel", "modify", "wait", "auth", "continue"};

error_type type_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < std::size(type_names); ++i)
    if (type_names[i] == name) return static_cast<error_type>(i);
  return error_type::cancel;
}

bool has_uri(stanza_condition c) noexcept { return c == gone || c == redirect; }

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "xmpp stanza"; }
  std::string message(int value) const override {
    return "answered with " + std::string(to_string(static_cast<stanza_condition>(value)));
  }
};

}  // namespace

const stanza_condition_info& info(stanza_condition c) noexcept {
  const auto index = static_cast<std::size_t>(c) - 1;
  return index < std::size(table) ? table[index] : info(undefined_condition);
}
std::string_view to_string(stanza_condition c) noexcept { return info(c).name; }
std::string_view to_string(error_type t) noexcept { return type_names[static_cast<std::size_t>(t)]; }

std::optional<stanza_error> parse_stanza_error(const element& stanza) {
  const auto* e = stanza.child("error");
  if (e == nullptr) return std::nullopt;
  stanza_error found;
  found.type = type_of(e->get("type"));
  bool has_condition = false;
  for (const auto& child : e->children) {
    if (child.ns != ns) continue;
    if (child.name == "text") {
      found.text = child.text;
      continue;
    }
    if (has_condition) continue;
    has_condition = true;
    for (const auto& row : table)
      if (row.name == child.name) found.condition = row.value;
    if (has_uri(found.condition)) found.uri = child.text;
  }
  return found;
}

element make_error_element(const stanza_error& e) {
  element out("error");
  out.set("type", to_string(e.type));
  auto& condition = out.add(to_string(e.condition), ns);
  if (has_uri(e.condition)) condition.text = e.uri;
  if (!e.text.empty()) out.add("text", ns).text = e.text;
  return out;
}

const std::error_category& stanza_category() noexcept {
  static const category instance;
  return instance;
}
std::error_code make_error_code(stanza_condition c) noexcept { return {static_cast<int>(c), stanza_category()}; }

}  // namespace msgkit::xmppcomp
