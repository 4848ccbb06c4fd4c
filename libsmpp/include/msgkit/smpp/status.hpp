// command_status values (SMPP 3.4 section 5.1.3, 5.0 section 4.7.6). Unknown values are normal and kept as integers.
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

namespace msgkit::smpp {

enum class command_status : std::uint32_t {
  ok = 0x00000000,
  invalid_message_length = 0x01,
  invalid_command_length = 0x02,
  invalid_command_id = 0x03,
  invalid_bind_status = 0x04,
  already_bound = 0x05,
  invalid_priority_flag = 0x06,
  invalid_registered_delivery = 0x07,
  system_error = 0x08,
  invalid_source_address = 0x0A,
  invalid_destination_address = 0x0B,
  invalid_message_id = 0x0C,
  bind_failed = 0x0D,
  invalid_password = 0x0E,
  invalid_system_id = 0x0F,
  cancel_failed = 0x11,
  replace_failed = 0x13,
  message_queue_full = 0x14,
  invalid_service_type = 0x15,
  invalid_number_of_destinations = 0x33,
  invalid_distribution_list_name = 0x34,
  invalid_destination_flag = 0x40,
  invalid_submit_with_replace = 0x42,
  invalid_esm_class = 0x43,
  cannot_submit_to_distribution_list = 0x44,
  submit_failed = 0x45,
  invalid_source_ton = 0x48,
  invalid_source_npi = 0x49,
  invalid_destination_ton = 0x50,
  invalid_destination_npi = 0x51,
  invalid_system_type = 0x53,
  invalid_replace_flag = 0x54,
  invalid_number_of_messages = 0x55,
  throttled = 0x58,
  invalid_schedule = 0x61,
  invalid_expiry = 0x62,
  invalid_default_message_id = 0x63,
  receiver_temporary_error = 0x64,
  receiver_permanent_error = 0x65,
  receiver_reject = 0x66,
  query_failed = 0x67,
  invalid_tlv_stream = 0xC0,
  tlv_not_allowed = 0xC1,
  invalid_tlv_length = 0xC2,  // also "invalid parameter length"
  missing_tlv = 0xC3,
  invalid_tlv_value = 0xC4,
  delivery_failure = 0xFE,
  unknown_error = 0xFF,
  service_type_unauthorised = 0x100,
  prohibited = 0x101,
  service_type_unavailable = 0x102,
  service_type_denied = 0x103,
  invalid_data_coding = 0x104,
  invalid_source_address_subunit = 0x105,
  invalid_destination_address_subunit = 0x106,
  invalid_broadcast_frequency_interval = 0x107,
  invalid_broadcast_alias_name = 0x108,
  invalid_broadcast_area_format = 0x109,
  invalid_number_of_broadcast_areas = 0x10A,
  invalid_broadcast_content_type = 0x10B,
  invalid_broadcast_message_class = 0x10C,
  broadcast_failed = 0x10D,
  broadcast_query_failed = 0x10E,
  broadcast_cancel_failed = 0x10F,
  invalid_broadcast_repetition = 0x110,
  invalid_broadcast_service_group = 0x111,
  invalid_broadcast_channel_indicator = 0x112,
};

struct status_info {
  command_status status;
  std::string_view name;  // the specification's, e.g. "ESME_RINVDSTADR"
  std::string_view text;
  bool is_temporary;      // trying the same request later may succeed
};

// Null for a value no version of SMPP defines.
const status_info* find_status(command_status s) noexcept;
// The specification's name, or "0x00000400" for an unknown value (then in a per-thread buffer, valid until the next
// call on the same thread).
std::string_view status_name(command_status s) noexcept;
bool is_temporary(command_status s) noexcept;

// What the peer answered, as an error code in its own category: "who said no" stays visible in a log line.
const std::error_category& status_category() noexcept;
std::error_code make_error_code(command_status s) noexcept;

}  // namespace msgkit::smpp

template <>
struct std::is_error_code_enum<msgkit::smpp::command_status> : std::true_type {};
