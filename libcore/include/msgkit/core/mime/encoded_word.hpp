// Text in headers beyond ASCII (RFC 2047).
#pragma once

#include <string>
#include <string_view>

namespace msgkit::mime {

// UTF-8 of a header value with encoded words and raw 8-bit text. Control characters, line ends among them, come out as
// blanks, so that the result may be written into a header again. A word that does not decode stays as it is.
std::string decode_words(std::string_view value);

// `text` as it is when it is plain ASCII that needs no encoding, else as base64 encoded words of UTF-8, separated by
// blanks at which a writer may fold.
std::string encode_words(std::string_view text);

}  // namespace msgkit::mime
