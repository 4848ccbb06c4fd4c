// Content-Transfer-Encoding (RFC 2045 section 6). Strict where mimetic's codecs are silent: what is not base64 is an
// error with its offset, never other octets than were sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::mime {

enum class transfer_encoding : std::uint8_t { seven_bit, eight_bit, binary, quoted_printable, base64, unknown };

// An empty value is 7bit. Any case.
transfer_encoding parse_transfer_encoding(std::string_view value) noexcept;
std::string_view to_string(transfer_encoding e) noexcept;

// Blanks and line ends between characters are skipped; missing padding at the end is accepted.
// Errors: base64_invalid with the offset, part_too_long when the result would exceed `bytes_max`.
result<byte_vector> decode_base64(bytes_view text, std::size_t bytes_max);

// Receives decoded octets piece by piece; false ends the decoding without an error.
using octet_sink = std::function<bool(bytes_view)>;
// As above in pieces of at most 12 KiB: memory does not grow with the text.
result<void> decode_base64(bytes_view text, std::size_t bytes_max, const octet_sink& sink);

// Lines of 76 characters ended by CRLF, or one line without an end for `line_length` 0.
std::string encode_base64(bytes_view octets, std::size_t line_length = 76);
// Appends; with `line_length` every line ends in CRLF.
void append_base64(byte_vector& out, bytes_view octets, std::size_t line_length = 76);
std::size_t base64_length(std::size_t octets, std::size_t line_length = 76) noexcept;

// Never fails: what is no escape stays as it is. Soft line breaks vanish, blanks before line ends too. Inside an encoded
// word (`in_word`) there are no line ends.
byte_vector decode_quoted_printable(bytes_view text, bool in_word = false);

}  // namespace msgkit::mime
