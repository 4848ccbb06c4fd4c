// Text on its way into XML. Everything the library writes passes through append_escaped(), so that no text, however it
// came to be, can end an element, forge a stanza or break the stream (RFC 6120 section 11, XML 1.0 section 2.2).
#pragma once

#include <string>
#include <string_view>

namespace msgkit::xmppcomp {

// Escapes & < > " ' and, so that they survive, CR, and TAB and LF where `attribute` says that the text is an
// attribute's value. Ill-formed UTF-8 and characters that XML 1.0 does not know become U+FFFD.
void append_escaped(std::string& out, std::string_view text, bool attribute = false);

// Whether every character may stand in an XML document.
bool is_xml_text(std::string_view text) noexcept;
// The text with U+FFFD for what may not.
std::string clean_text(std::string_view text);
// A name without a colon. Non-ASCII characters are taken as they are, when they are well-formed.
bool is_xml_name(std::string_view name) noexcept;

}  // namespace msgkit::xmppcomp
