// The calling thread's iconv converters for the alphabets of data_coding.
#pragma once

#include <cstdint>

#include "msgkit/core/iconv_converter.hpp"
#include "msgkit/smpp/text/data_coding.hpp"

namespace msgkit::smpp {

enum class conversion : std::uint8_t { to_utf8, from_utf8 };

// Null when `alphabet` is not converted through iconv or its table is not installed.
iconv_converter* converter_for(charset alphabet, conversion direction);

}  // namespace msgkit::smpp
