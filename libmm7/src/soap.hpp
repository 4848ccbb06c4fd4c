// SOAP 1.1, as MM7 has it.
#pragma once

#include <string_view>

namespace msgkit::mm7 {

inline constexpr std::string_view soap_namespace = "http://schemas.xmlsoap.org/soap/envelope/";

}  // namespace msgkit::mm7
