// XML of a peer, looked at before pugixml sees it: pugixml takes ill-formed documents and has no limits.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {

// The tree points into the text.
struct xml_tree {
  std::string text{};
  pugi::xml_document document{};
};

// Parsed and converted to UTF-8 whatever its declaration says. `charset` is that of the Content-Type, if any.
// Errors: xml_malformed, doctype_refused, too_deep, too_many_elements, duplicate_attribute.
result<void> parse_xml(xml_tree& out, bytes_view octets, std::string_view charset, const limits& l);

// Behind the last colon.
std::string_view local_name(const char* name) noexcept;
// The child of that local name, any prefix.
pugi::xml_node child_of(pugi::xml_node parent, std::string_view name) noexcept;
pugi::xml_attribute attribute_of(pugi::xml_node node, std::string_view name) noexcept;
// Its text, trimmed.
std::string_view text_of(pugi::xml_node node) noexcept;

// Child elements by local name. Made once where many names are asked for.
class element_index {
 public:
  element_index() = default;
  explicit element_index(pugi::xml_node parent);
  // The first of that name, or none.
  [[nodiscard]] pugi::xml_node find(std::string_view name) const noexcept;

 private:
  struct entry {
    std::string_view name;
    pugi::xml_node node;
  };
  std::vector<entry> entries_;
};

// Escaped for element content and attributes; control characters that XML cannot carry become blanks.
void append_escaped(std::string& out, std::string_view text);

}  // namespace msgkit::mm7
