#include "msgkit/smpp/errc.hpp"

#include <algorithm>
#include <string>

namespace msgkit::smpp {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "smpp"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::command_length_invalid: return "command_length is below 16 or above the limit";
      case errc::truncated: return "the PDU ends inside a field";
      case errc::missing_terminator: return "no closing NUL within the field's maximum";
      case errc::invalid_time_length: return "a time is neither empty nor 16 characters";
      case errc::message_too_long: return "sm_length is larger than the octets that follow";
      case errc::tlv_stream_invalid: return "a TLV's length points past the end of the PDU";
      case errc::destination_flag_invalid: return "dest_flag is neither 1 (SME) nor 2 (distribution list)";
      case errc::user_data_header_invalid: return "the user data header is longer than the message";
      case errc::command_unknown: return "unknown command_id";
      case errc::field_too_long: return "value is longer than the specification allows";
      case errc::embedded_nul: return "C-octet string contains a zero octet";
      case errc::value_out_of_range: return "value is out of range";
      case errc::window_full: return "the window of unanswered requests is full";
      case errc::state_forbids: return "not allowed in this session state";
      case errc::response_timeout: return "the peer did not respond in time";
      case errc::session_closed: return "the session is closed";
      case errc::bind_timeout: return "no bind in time";
      case errc::inactivity_timeout: return "no traffic for the inactivity time";
      case errc::enquire_link_timeout: return "the peer did not answer enquire_link";
      case errc::partial_pdu_timeout: return "the peer began a PDU and did not finish it";
      case errc::unbind_timeout: return "the peer did not answer unbind";
      case errc::peer_unbound: return "the peer unbound";
      case errc::output_limit: return "the peer does not read what we send";
      case errc::nacked: return "answered with generic_nack";
      case errc::unknown_sequence: return "no open request has this sequence number";
      case errc::version_forbids: return "SMPP 3.3, which the peer speaks, does not have this";
      case errc::pdu_too_long: return "PDU is longer than the peer takes";
    }
    return "unknown error " + std::to_string(value);
  }
};

struct field_status {
  std::string_view field;
  command_status status;
};

// Fields for which SMPP has a status of their own.
constexpr field_status field_statuses[] = {
    {"source_addr", command_status::invalid_source_address},
    {"destination_addr", command_status::invalid_destination_address},
    {"service_type", command_status::invalid_service_type},
    {"schedule_delivery_time", command_status::invalid_schedule},
    {"validity_period", command_status::invalid_expiry},
    {"message_id", command_status::invalid_message_id},
    {"system_id", command_status::invalid_system_id},
    {"password", command_status::invalid_password},
    {"system_type", command_status::invalid_system_type},
    {"dl_name", command_status::invalid_distribution_list_name},
    {"dest_flag", command_status::invalid_destination_flag},
    {"number_of_dests", command_status::invalid_number_of_destinations},
};

}  // namespace

const std::error_category& smpp_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), smpp_category()}; }

command_status status_for(const fault& f) noexcept {
  if (f.code.category() == status_category()) return static_cast<command_status>(f.code.value());
  if (f.code == errc::command_length_invalid || f.code == errc::truncated)
    return command_status::invalid_command_length;
  if (f.code == errc::command_unknown) return command_status::invalid_command_id;
  if (f.code == errc::message_too_long || f.code == errc::user_data_header_invalid)
    return command_status::invalid_message_length;
  if (f.code == errc::tlv_stream_invalid) return command_status::invalid_tlv_stream;
  const auto found = std::ranges::find(field_statuses, f.field, &field_status::field);
  return found != std::ranges::end(field_statuses) ? found->status : command_status::invalid_tlv_length;
}

}  // namespace msgkit::smpp
