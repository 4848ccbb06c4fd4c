#include "msgkit/smpp/diagnostics.hpp"

namespace msgkit::smpp {

std::string_view to_string(diagnostic_kind kind) noexcept {
  switch (kind) {
    case diagnostic_kind::trailing_octets: return "trailing_octets";
    case diagnostic_kind::missing_terminator: return "missing_terminator";
    case diagnostic_kind::missing_fields: return "missing_fields";
    case diagnostic_kind::field_too_long: return "field_too_long";
    case diagnostic_kind::invalid_time_length: return "invalid_time_length";
    case diagnostic_kind::truncated_tlv: return "truncated_tlv";
    case diagnostic_kind::tlv_wrong_length: return "tlv_wrong_length";
    case diagnostic_kind::duplicate_tlv: return "duplicate_tlv";
    case diagnostic_kind::ambiguous_message: return "ambiguous_message";
    case diagnostic_kind::user_data_header_invalid: return "user_data_header_invalid";
    case diagnostic_kind::status_in_request: return "status_in_request";
  }
  return "unknown";
}

}  // namespace msgkit::smpp
