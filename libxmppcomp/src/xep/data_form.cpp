#include "msgkit/xmppcomp/xep/data_form.hpp"

#include <algorithm>

#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {
namespace {

form_field parse_field(const element& e) {
  form_field f{
      .var = std::string(e.get("var")), .type = std::string(e.get("type")), .label = std::string(e.get("label"))};
  for (const auto& c : e.children) {
    if (c.ns != ns::data_form) continue;
    if (c.name == "value") f.values.push_back(c.text);
    else if (c.name == "required") f.is_required = true;
    else if (c.name == "option") f.options.emplace_back(c.get("label"), c.child_text("value", ns::data_form));
  }
  return f;
}

void add_field(element& x, const form_field& f) {
  auto& e = x.add("field");
  if (!f.var.empty()) e.set("var", f.var);
  if (!f.type.empty()) e.set("type", f.type);
  if (!f.label.empty()) e.set("label", f.label);
  if (f.is_required) e.add("required");
  for (const auto& value : f.values) e.add("value").text = value;
  for (const auto& [label, value] : f.options) {
    auto& option = e.add("option");
    option.set("label", label);
    option.add("value").text = value;
  }
}

}  // namespace

const form_field* data_form::field(std::string_view var) const noexcept {
  const auto found = std::ranges::find(fields, var, &form_field::var);
  return found == fields.end() ? nullptr : &*found;
}
std::string_view data_form::value(std::string_view var) const noexcept {
  const auto* found = field(var);
  return found == nullptr ? std::string_view{} : found->value();
}

std::optional<data_form> parse_form(const element& parent) {
  const auto* x = parent.child("x", ns::data_form);
  if (x == nullptr) return std::nullopt;
  data_form form{.type = std::string(x->get("type")),
                 .title = std::string(x->child_text("title", ns::data_form)),
                 .instructions = std::string(x->child_text("instructions", ns::data_form))};
  for (const auto& c : x->children)
    if (c.is("field", ns::data_form)) form.fields.push_back(parse_field(c));
  return form;
}

element make_form(const data_form& form) {
  element x("x", ns::data_form);
  x.set("type", form.type);
  if (!form.title.empty()) x.add("title").text = form.title;
  if (!form.instructions.empty()) x.add("instructions").text = form.instructions;
  for (const auto& f : form.fields) add_field(x, f);
  return x;
}

}  // namespace msgkit::xmppcomp
