#include "common/version.hpp"

namespace msgkit::app {

std::string_view app_version() noexcept { return MSGKIT_APP_VERSION; }
std::string_view app_revision() noexcept { return MSGKIT_APP_REVISION; }

}  // namespace msgkit::app
