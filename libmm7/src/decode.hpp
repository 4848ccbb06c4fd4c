// decode() for whoever has a place for the result: a request is too large to be moved for nothing.
#pragma once

#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {

// Precondition: `out` is as constructed. After an error its content means nothing.
result<void> decode_into(received& out, std::string_view content_type, bytes_view body, const limits& l,
                         std::string* transaction_id);

}  // namespace msgkit::mm7
