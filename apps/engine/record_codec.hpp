// The stored forms of content and progress. Each starts with a version octet; decoders enforce the limits of
// message.hpp, never read past the end and never allocate more than the input is long (plus fixed-size parts).
#pragma once

#include "engine/message.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::engine {

// Both append to `out`.
void encode(const message_content& content, byte_vector& out);
void encode(const message_progress& progress, byte_vector& out);

// Errors: errc::record_corrupt with the field and the octet where it broke.
result<message_content> decode_content(bytes_view octets);
result<message_progress> decode_progress(bytes_view octets);

// Rows in files carry a checksum, because a flipped bit in a body decodes as well as the right one.
void seal(byte_vector& record);                 // appends four octets
result<bytes_view> unseal(bytes_view sealed);   // the record without them, or errc::record_corrupt ("checksum")

}  // namespace msgkit::engine
