// Octets as hexadecimal text and back.
#pragma once

#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit {

// Lower-case, two digits an octet, no separators.
std::string to_hex(bytes_view octets);
void append_hex(std::string& out, bytes_view octets);

// Accepts both cases and skips white space, ':' and '-' between pairs, and a leading "0x".
// Errors: errc::invalid_hex with the offset of the first bad character.
result<byte_vector> from_hex(std::string_view text);

// Classic dump for humans: offset, 16 octets, printable characters; one line per 16 octets, each ending in '\n'.
std::string hex_dump(bytes_view octets);

}  // namespace msgkit
