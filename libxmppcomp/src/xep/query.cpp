#include "msgkit/xmppcomp/xep/query.hpp"

#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {
namespace {

void add_unless_empty(element& e, std::string_view name, std::string_view text) {
  if (!text.empty()) e.add(name).text = text;
}

}  // namespace

element make_version(const software_version& v) {
  element query("query", ns::version);
  query.add("name").text = v.name;
  query.add("version").text = v.version;
  add_unless_empty(query, "os", v.os);
  return query;
}

element make_vcard(const vcard& card) {
  element e("vCard", ns::vcard);
  add_unless_empty(e, "FN", card.full_name);
  if (!card.telephone.empty()) {
    auto& telephone = e.add("TEL");
    telephone.add("CELL");
    telephone.add("NUMBER").text = card.telephone;
  }
  add_unless_empty(e, "DESC", card.description);
  return e;
}

std::optional<vcard> parse_vcard(const element& iq) {
  const auto* e = iq.child("vCard", ns::vcard);
  if (e == nullptr) return std::nullopt;
  vcard card{.full_name = std::string(e->child_text("FN", ns::vcard)),
             .description = std::string(e->child_text("DESC", ns::vcard))};
  if (const auto* telephone = e->child("TEL", ns::vcard)) card.telephone = telephone->child_text("NUMBER", ns::vcard);
  return card;
}

std::optional<registration_request> parse_registration(const element& iq) {
  const auto* query = iq.child("query", ns::registration);
  if (query == nullptr) return std::nullopt;
  registration_request request;
  if (iq.get("type") != "set") return request;
  if (query->child("remove", ns::registration) != nullptr) {
    request.action = registration_action::remove;
    return request;
  }
  request.action = registration_action::submit;
  if (auto form = parse_form(*query)) {
    request.form = std::move(*form);
    return request;
  }
  request.form.type = "submit";
  for (const auto& c : query->children)
    if (c.ns == ns::registration) request.form.fields.push_back({.var = c.name, .values = {c.text}});
  return request;
}

element make_registration(const data_form& form, bool is_registered) {
  element query("query", ns::registration);
  if (is_registered) query.add("registered");
  add_unless_empty(query, "instructions", form.instructions);
  query.add(make_form(form));
  return query;
}

std::optional<std::string_view> gateway_prompt_of(const element& iq) noexcept {
  const auto* query = iq.child("query", ns::gateway);
  if (query == nullptr) return std::nullopt;
  return iq.get("type") == "set" ? query->child_text("prompt", ns::gateway) : std::string_view{};
}

element make_gateway_prompt(std::string_view description, std::string_view prompt) {
  element query("query", ns::gateway);
  add_unless_empty(query, "desc", description);
  query.add("prompt").text = prompt;
  return query;
}

element make_gateway_address(std::string_view jid) {
  element query("query", ns::gateway);
  query.add("jid").text = jid;
  return query;
}

}  // namespace msgkit::xmppcomp
