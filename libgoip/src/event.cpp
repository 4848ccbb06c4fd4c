#include "msgkit/goip/event.hpp"

namespace msgkit::goip {

std::string_view to_string(line_state s) noexcept {
  constexpr std::string_view names[]{"unknown", "online", "no_gsm", "module_disabled", "dead"};
  return names[static_cast<std::size_t>(s)];
}

std::string_view to_string(auth_failure f) noexcept {
  constexpr std::string_view names[]{"unknown_line", "wrong_password", "disabled", "source_refused"};
  return names[static_cast<std::size_t>(f)];
}

std::string_view to_string(sms_outcome o) noexcept {
  constexpr std::string_view names[]{"sent", "failed", "unknown", "expired"};
  return names[static_cast<std::size_t>(o)];
}

}  // namespace msgkit::goip
