#include "msgkit/xmppcomp/element.hpp"

#include <algorithm>
#include <utility>

#include "msgkit/core/xml_text.hpp"


namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view client_ns = "jabber:client";

const attribute* find(const element& e, std::string_view name, std::string_view ns) noexcept {
  for (const auto& a : e.attributes)
    if (a.name == name && a.ns == ns) return &a;
  return nullptr;
}

element& assign(element& e, std::string_view name, std::string_view ns, std::string_view value) {
  if (const auto* found = find(e, name, ns)) const_cast<attribute*>(found)->value = value;
  else e.attributes.push_back({std::string(name), std::string(value), std::string(ns)});
  return e;
}

void append_attribute(std::string& out, std::string_view prefix, std::string_view name, std::string_view value) {
  out += ' ';
  out += prefix;
  out += name;
  out += "='";
  append_xml_text(out, value, xml_place::attribute);
  out += '\'';
}

void append_attributes(std::string& out, const element& e) {
  std::size_t prefix_count = 0;
  for (const auto& a : e.attributes) {
    if (a.ns.empty()) {
      append_attribute(out, {}, a.name, a.value);
    } else if (a.ns == xml_ns) {
      append_attribute(out, "xml:", a.name, a.value);
    } else {
      const auto prefix = "a" + std::to_string(prefix_count++);
      append_attribute(out, "xmlns:", prefix, a.ns);
      append_attribute(out, prefix + ":", a.name, a.value);
    }
  }
}

// `inherited`: the default namespace where the element stands.
void append_in(std::string& out, const element& e, std::string_view inherited) {
  out += '<';
  out += e.name;
  if (e.ns != inherited) append_attribute(out, {}, "xmlns", e.ns.empty() ? client_ns : std::string_view(e.ns));
  append_attributes(out, e);
  if (e.text.empty() && e.children.empty()) {
    out += "/>";
    return;
  }
  out += '>';
  append_xml_text(out, e.text);
  for (const auto& child : e.children) {
    append_in(out, child, e.ns);
    append_xml_text(out, child.tail);
  }
  out += "</";
  out += e.name;
  out += '>';
}

}  // namespace

std::string_view element::get(std::string_view attribute_name) const noexcept {
  const auto* found = find(*this, attribute_name, {});
  return found == nullptr ? std::string_view{} : std::string_view(found->value);
}
bool element::has(std::string_view attribute_name) const noexcept { return find(*this, attribute_name, {}) != nullptr; }
std::string_view element::lang() const noexcept {
  const auto* found = find(*this, "lang", xml_ns);
  return found == nullptr ? std::string_view{} : std::string_view(found->value);
}
element& element::set(std::string_view attribute_name, std::string_view value) {
  return assign(*this, attribute_name, {}, value);
}
element& element::set_lang(std::string_view value) { return assign(*this, "lang", xml_ns, value); }
element& element::remove(std::string_view attribute_name) {
  std::erase_if(attributes, [&](const attribute& a) { return a.name == attribute_name && a.ns.empty(); });
  return *this;
}

const element* element::child(std::string_view n, std::string_view space) const noexcept {
  for (const auto& c : children)
    if (c.is(n, space)) return &c;
  return nullptr;
}
element* element::child(std::string_view n, std::string_view space) noexcept {
  return const_cast<element*>(std::as_const(*this).child(n, space));
}
std::string_view element::child_text(std::string_view n, std::string_view space) const noexcept {
  const auto* found = child(n, space);
  return found == nullptr ? std::string_view{} : std::string_view(found->text);
}

void element::clear() noexcept {
  name.clear();
  ns.clear();
  text.clear();
  tail.clear();
  attributes.clear();
  children.clear();
}

void append_xml(std::string& out, const element& e) { append_in(out, e, {}); }

std::string to_xml(const element& e) {
  std::string out;
  append_xml(out, e);
  return out;
}

bool is_writable(const element& e) noexcept {
  return is_xml_name(e.name) &&
         std::ranges::all_of(e.attributes,
                             [](const attribute& a) { return is_xml_name(a.name) && a.name != "xmlns"; }) &&
         std::ranges::all_of(e.children, is_writable);
}

}  // namespace msgkit::xmppcomp
