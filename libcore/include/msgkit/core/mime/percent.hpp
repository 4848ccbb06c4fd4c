// %XX in references and RFC 2231 parameters.
#pragma once

#include <string>
#include <string_view>

namespace msgkit::mime {

// What is no escape stays as it is.
std::string percent_decode(std::string_view text);

}  // namespace msgkit::mime
