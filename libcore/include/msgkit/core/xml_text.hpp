// Text on its way into XML. What passes through append_xml_text() cannot end an element, forge another or break the
// document, however it came to be (XML 1.0 section 2.2). Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "msgkit/core/utf.hpp"

namespace msgkit {

enum class xml_place { content, attribute };

// Escapes & < > " ' and, so that they survive, CR, and TAB and LF in an attribute's value. Ill-formed UTF-8 and
// characters that XML 1.0 does not know become U+FFFD, control characters `for_controls`.
void append_xml_text(std::string& out, std::string_view text, xml_place place = xml_place::content,
                     char32_t for_controls = replacement_character);

// Whether every character may stand in an XML document.
bool is_xml_text(std::string_view text) noexcept;
// The text with U+FFFD for what may not.
std::string clean_xml_text(std::string_view text);
// A name without a colon. Non-ASCII characters are taken as they are, when they are well-formed.
bool is_xml_name(std::string_view name) noexcept;

}  // namespace msgkit
