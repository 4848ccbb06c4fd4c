#include "msgkit/goip/diagnostics.hpp"

namespace msgkit::goip {

std::string_view to_string(diagnostic_kind kind) noexcept {
  switch (kind) {
    case diagnostic_kind::duplicate_field: return "duplicate_field";
    case diagnostic_kind::invalid_value: return "invalid_value";
    case diagnostic_kind::field_too_long: return "field_too_long";
    case diagnostic_kind::missing_field: return "missing_field";
  }
  return "unknown";
}

}  // namespace msgkit::goip
