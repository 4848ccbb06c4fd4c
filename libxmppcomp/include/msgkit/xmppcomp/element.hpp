// An XML element and what is in it, as a value: the tree in which stanzas are read and built.
//
//   element m("message");
//   m.set("to", "alice@example.org").add("body").text = "hello";
//
// The namespace of the stream's own stanzas (jabber:component:accept, and jabber:client, jabber:server or none, which
// are treated as equal) is the empty string here, so that a tree means the same wherever it came from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::xmppcomp {

struct attribute {
  std::string name{};
  std::string value{};
  std::string ns{};  // of a prefixed attribute such as xml:lang; mostly empty

  friend bool operator==(const attribute&, const attribute&) = default;
};

class element {
 public:
  element() = default;
  explicit element(std::string_view element_name, std::string_view element_ns = {})
      : name(element_name), ns(element_ns) {}

  std::string name{};
  std::string ns{};
  std::string text{};  // the characters before the first child: all of them in an element without children
  std::string tail{};  // the characters behind this element, inside its parent
  std::vector<attribute> attributes{};
  std::vector<element> children{};

  [[nodiscard]] bool is(std::string_view n, std::string_view space) const noexcept { return name == n && ns == space; }
  // The value of an attribute without namespace; empty if it is missing. Views into this element.
  [[nodiscard]] std::string_view get(std::string_view attribute_name) const noexcept;
  [[nodiscard]] bool has(std::string_view attribute_name) const noexcept;
  [[nodiscard]] std::string_view lang() const noexcept;  // xml:lang
  // Adds or replaces; an empty value stays an attribute. Returns this element.
  element& set(std::string_view attribute_name, std::string_view value);
  element& set_lang(std::string_view value);
  element& remove(std::string_view attribute_name);

  // The first child of that name and namespace, or null. Valid until children change.
  [[nodiscard]] const element* child(std::string_view n, std::string_view space = {}) const noexcept;
  [[nodiscard]] element* child(std::string_view n, std::string_view space = {}) noexcept;
  // The text of that child, empty without one.
  [[nodiscard]] std::string_view child_text(std::string_view n, std::string_view space = {}) const noexcept;
  // The first child, or null: the payload of an iq.
  [[nodiscard]] const element* first() const noexcept { return children.empty() ? nullptr : &children.front(); }
  // Appends a child in this element's own namespace, or in the given one, and returns it; valid until the next child.
  element& add(std::string_view n) { return children.emplace_back(n, ns); }
  element& add(std::string_view n, std::string_view space) { return children.emplace_back(n, space); }
  element& add(element e) { return children.emplace_back(std::move(e)); }

  // Empties the element; what it holds keeps its memory.
  void clear() noexcept;

  friend bool operator==(const element&, const element&) = default;
};

constexpr std::string_view xml_ns = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view component_ns = "jabber:component:accept";
constexpr std::string_view streams_ns = "http://etherx.jabber.org/streams";

// Appends the element as XML, to stand where the default namespace is that of a stanza's parent: no xmlns is written
// for the empty namespace. Inside another namespace the empty one is written as jabber:client (what XEP-0297 carries).
// Names and namespaces that XML does not allow must not be in the tree; is_writable() says so.
void append_xml(std::string& out, const element& e);
std::string to_xml(const element& e);
// Whether all names in the tree can be written. True for everything the parser made.
bool is_writable(const element& e) noexcept;

}  // namespace msgkit::xmppcomp
