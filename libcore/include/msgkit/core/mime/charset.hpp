// Text of any charset as UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::mime {

// `charset` as in a Content-Type or XML declaration, any case: what iconv knows, and common wrong spellings. Octets that
// do not convert become U+FFFD; a byte order mark is removed.
// Errors: charset_unknown.
result<std::string> to_utf8(bytes_view octets, std::string_view charset);

// As above, but never fails: an unknown or missing charset, and us-ascii with 8-bit octets, is read as UTF-8 when it is
// well-formed and as ISO-8859-1 otherwise, which is what handsets mean.
std::string to_utf8_or_guess(bytes_view octets, std::string_view charset);

}  // namespace msgkit::mime
