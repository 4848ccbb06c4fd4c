// What an MMS may weigh with all its media, as carriers and operators have it.
#pragma once

#include <cstdint>

namespace msgkit::app {

enum class media_class : std::uint8_t { none, k300, k600, m1 };  // none: media go as they are

}  // namespace msgkit::app
