#include "msgkit/smpp/status.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace msgkit::smpp {
namespace {

using s = command_status;

constexpr status_info table[] = {
    {s::ok, "ESME_ROK", "no error", false},
    {s::invalid_message_length, "ESME_RINVMSGLEN", "message length is invalid", false},
    {s::invalid_command_length, "ESME_RINVCMDLEN", "command length is invalid", false},
    {s::invalid_command_id, "ESME_RINVCMDID", "command id is invalid", false},
    {s::invalid_bind_status, "ESME_RINVBNDSTS", "wrong bind status for the command", false},
    {s::already_bound, "ESME_RALYBND", "already bound", false},
    {s::invalid_priority_flag, "ESME_RINVPRTFLG", "priority flag is invalid", false},
    {s::invalid_registered_delivery, "ESME_RINVREGDLVFLG", "registered delivery flag is invalid", false},
    {s::system_error, "ESME_RSYSERR", "system error", true},
    {s::invalid_source_address, "ESME_RINVSRCADR", "source address is invalid", false},
    {s::invalid_destination_address, "ESME_RINVDSTADR", "destination address is invalid", false},
    {s::invalid_message_id, "ESME_RINVMSGID", "message id is invalid", false},
    {s::bind_failed, "ESME_RBINDFAIL", "bind failed", false},
    {s::invalid_password, "ESME_RINVPASWD", "password is invalid", false},
    {s::invalid_system_id, "ESME_RINVSYSID", "system id is invalid", false},
    {s::cancel_failed, "ESME_RCANCELFAIL", "cancel failed", false},
    {s::replace_failed, "ESME_RREPLACEFAIL", "replace failed", false},
    {s::message_queue_full, "ESME_RMSGQFUL", "message queue is full", true},
    {s::invalid_service_type, "ESME_RINVSERTYP", "service type is invalid", false},
    {s::invalid_number_of_destinations, "ESME_RINVNUMDESTS", "number of destinations is invalid", false},
    {s::invalid_distribution_list_name, "ESME_RINVDLNAME", "distribution list name is invalid", false},
    {s::invalid_destination_flag, "ESME_RINVDESTFLAG", "destination flag is invalid", false},
    {s::invalid_submit_with_replace, "ESME_RINVSUBREP", "submit with replace is invalid", false},
    {s::invalid_esm_class, "ESME_RINVESMCLASS", "esm class is invalid", false},
    {s::cannot_submit_to_distribution_list, "ESME_RCNTSUBDL", "cannot submit to the distribution list", false},
    {s::submit_failed, "ESME_RSUBMITFAIL", "submit failed", false},
    {s::invalid_source_ton, "ESME_RINVSRCTON", "source address TON is invalid", false},
    {s::invalid_source_npi, "ESME_RINVSRCNPI", "source address NPI is invalid", false},
    {s::invalid_destination_ton, "ESME_RINVDSTTON", "destination address TON is invalid", false},
    {s::invalid_destination_npi, "ESME_RINVDSTNPI", "destination address NPI is invalid", false},
    {s::invalid_system_type, "ESME_RINVSYSTYP", "system type is invalid", false},
    {s::invalid_replace_flag, "ESME_RINVREPFLAG", "replace_if_present flag is invalid", false},
    {s::invalid_number_of_messages, "ESME_RINVNUMMSGS", "number of messages is invalid", false},
    {s::throttled, "ESME_RTHROTTLED", "throttled: over the allowed rate", true},
    {s::invalid_schedule, "ESME_RINVSCHED", "scheduled delivery time is invalid", false},
    {s::invalid_expiry, "ESME_RINVEXPIRY", "validity period is invalid", false},
    {s::invalid_default_message_id, "ESME_RINVDFTMSGID", "predefined message id is invalid", false},
    {s::receiver_temporary_error, "ESME_RX_T_APPN", "receiver: temporary application error", true},
    {s::receiver_permanent_error, "ESME_RX_P_APPN", "receiver: permanent application error", false},
    {s::receiver_reject, "ESME_RX_R_APPN", "receiver: rejected", false},
    {s::query_failed, "ESME_RQUERYFAIL", "query failed", false},
    {s::invalid_tlv_stream, "ESME_RINVTLVSTREAM", "optional part of the PDU is malformed", false},
    {s::tlv_not_allowed, "ESME_RTLVNOTALLWD", "TLV is not allowed here", false},
    {s::invalid_tlv_length, "ESME_RINVTLVLEN", "parameter length is invalid", false},
    {s::missing_tlv, "ESME_RMISSINGTLV", "expected TLV is missing", false},
    {s::invalid_tlv_value, "ESME_RINVTLVVAL", "TLV value is invalid", false},
    {s::delivery_failure, "ESME_RDELIVERYFAILURE", "delivery failed", false},
    {s::unknown_error, "ESME_RUNKNOWNERR", "unknown error", false},
    {s::service_type_unauthorised, "ESME_RSERTYPUNAUTH", "not authorised for the service type", false},
    {s::prohibited, "ESME_RPROHIBITED", "prohibited from this operation", false},
    {s::service_type_unavailable, "ESME_RSERTYPUNAVAIL", "service type is unavailable", false},
    {s::service_type_denied, "ESME_RSERTYPDENIED", "service type is denied", false},
    {s::invalid_data_coding, "ESME_RINVDCS", "data coding scheme is invalid", false},
    {s::invalid_source_address_subunit, "ESME_RINVSRCADDRSUBUNIT", "source address subunit is invalid", false},
    {s::invalid_destination_address_subunit, "ESME_RINVDSTADDRSUBUNIT", "destination address subunit is invalid",
     false},
    {s::invalid_broadcast_frequency_interval, "ESME_RINVBCASTFREQINT", "broadcast frequency interval is invalid",
     false},
    {s::invalid_broadcast_alias_name, "ESME_RINVBCASTALIAS_NAME", "broadcast alias name is invalid", false},
    {s::invalid_broadcast_area_format, "ESME_RINVBCASTAREAFMT", "broadcast area format is invalid", false},
    {s::invalid_number_of_broadcast_areas, "ESME_RINVNUMBCAST_AREAS", "number of broadcast areas is invalid", false},
    {s::invalid_broadcast_content_type, "ESME_RINVBCASTCNTTYPE", "broadcast content type is invalid", false},
    {s::invalid_broadcast_message_class, "ESME_RINVBCASTMSGCLASS", "broadcast message class is invalid", false},
    {s::broadcast_failed, "ESME_RBCASTFAIL", "broadcast_sm failed", false},
    {s::broadcast_query_failed, "ESME_RBCASTQUERYFAIL", "query_broadcast_sm failed", false},
    {s::broadcast_cancel_failed, "ESME_RBCASTCANCELFAIL", "cancel_broadcast_sm failed", false},
    {s::invalid_broadcast_repetition, "ESME_RINVBCAST_REP", "number of repeated broadcasts is invalid", false},
    {s::invalid_broadcast_service_group, "ESME_RINVBCASTSRVGRP", "broadcast service group is invalid", false},
    {s::invalid_broadcast_channel_indicator, "ESME_RINVBCASTCHANIND", "broadcast channel indicator is invalid", false},
};
static_assert(std::ranges::is_sorted(table, {}, &status_info::status));

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "smpp status"; }
  std::string message(int value) const override {
    const auto status = static_cast<command_status>(value);
    const auto* info = find_status(status);
    const auto spelled = std::string(status_name(status));
    return info == nullptr ? spelled : spelled + ": " + std::string(info->text);
  }
};

}  // namespace

const status_info* find_status(command_status status) noexcept {
  const auto found = std::ranges::lower_bound(table, status, {}, &status_info::status);
  return found != std::ranges::end(table) && found->status == status ? found : nullptr;
}

std::string_view status_name(command_status status) noexcept {
  if (const auto* info = find_status(status)) return info->name;
  thread_local std::array<char, 16> text;
  const int length = std::snprintf(text.data(), text.size(), "0x%08X", static_cast<unsigned>(status));
  return {text.data(), static_cast<std::size_t>(length)};
}

bool is_temporary(command_status status) noexcept {
  const auto* info = find_status(status);
  return info != nullptr && info->is_temporary;
}

const std::error_category& status_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(command_status status) noexcept {
  return {static_cast<int>(status), status_category()};
}

}  // namespace msgkit::smpp
