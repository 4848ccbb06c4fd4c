// XML of a peer, looked at before pugixml sees it: pugixml takes ill-formed documents and has no limits.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {

// Parsed and converted to UTF-8 whatever its declaration says. `charset` is that of the Content-Type, if any.
// Errors: xml_malformed, doctype_refused, too_deep, too_many_elements, duplicate_attribute.
result<void> parse_xml(pugi::xml_document& out, bytes_view octets, std::string_view charset, const limits& l);

// Behind the last colon.
std::string_view local_name(const char* name) noexcept;
// The child of that local name, any prefix.
pugi::xml_node child_of(pugi::xml_node parent, std::string_view name) noexcept;
pugi::xml_attribute attribute_of(pugi::xml_node node, std::string_view name) noexcept;
// Its text, trimmed.
std::string_view text_of(pugi::xml_node node) noexcept;

// Escaped for element content and attributes; control characters that XML cannot carry become blanks.
std::string escape(std::string_view text);

}  // namespace msgkit::mm7
