// Which build this is.
#pragma once

#include <string_view>

namespace msgkit::app {

std::string_view app_version() noexcept;   // "0.1.0"
std::string_view app_revision() noexcept;  // abbreviated commit, empty when built outside a checkout

}  // namespace msgkit::app
