#include "msgkit/smpp/tlv.hpp"

#include <algorithm>

#include "msgkit/smpp/errc.hpp"

namespace msgkit::smpp {
namespace {

constexpr auto integer = tlv_kind::integer;
constexpr auto text = tlv_kind::text;
constexpr auto octets = tlv_kind::octets;
constexpr bool once = false;
constexpr bool repeats = true;

// SMPP 5.0 section 4.8.4, with the widths that 3.4 and 5.0 or two implementations disagree on both allowed.
constexpr tlv_info table[] = {
    {tag::dest_addr_subunit, "dest_addr_subunit", integer, 1, 1, once},
    {tag::dest_network_type, "dest_network_type", integer, 1, 1, once},
    {tag::dest_bearer_type, "dest_bearer_type", integer, 1, 1, once},
    {tag::dest_telematics_id, "dest_telematics_id", integer, 2, 2, once},
    {tag::source_addr_subunit, "source_addr_subunit", integer, 1, 1, once},
    {tag::source_network_type, "source_network_type", integer, 1, 1, once},
    {tag::source_bearer_type, "source_bearer_type", integer, 1, 1, once},
    {tag::source_telematics_id, "source_telematics_id", integer, 1, 2, once},
    {tag::qos_time_to_live, "qos_time_to_live", integer, 4, 4, once},
    {tag::payload_type, "payload_type", integer, 1, 1, once},
    {tag::additional_status_info_text, "additional_status_info_text", text, 1, 256, once},
    {tag::receipted_message_id, "receipted_message_id", text, 1, 65, once},
    {tag::ms_msg_wait_facilities, "ms_msg_wait_facilities", integer, 1, 1, once},
    {tag::privacy_indicator, "privacy_indicator", integer, 1, 1, once},
    {tag::source_subaddress, "source_subaddress", octets, 2, 23, once},
    {tag::dest_subaddress, "dest_subaddress", octets, 2, 23, once},
    {tag::user_message_reference, "user_message_reference", integer, 2, 2, once},
    {tag::user_response_code, "user_response_code", integer, 1, 1, once},
    {tag::source_port, "source_port", integer, 2, 2, once},
    {tag::destination_port, "destination_port", integer, 2, 2, once},
    {tag::sar_msg_ref_num, "sar_msg_ref_num", integer, 2, 2, once},
    {tag::language_indicator, "language_indicator", integer, 1, 1, once},
    {tag::sar_total_segments, "sar_total_segments", integer, 1, 1, once},
    {tag::sar_segment_seqnum, "sar_segment_seqnum", integer, 1, 1, once},
    {tag::sc_interface_version, "sc_interface_version", integer, 1, 1, once},
    {tag::callback_num_pres_ind, "callback_num_pres_ind", integer, 1, 1, repeats},
    {tag::callback_num_atag, "callback_num_atag", octets, 0, 65, repeats},
    {tag::number_of_messages, "number_of_messages", integer, 1, 1, once},
    {tag::callback_num, "callback_num", octets, 4, 19, repeats},
    {tag::dpf_result, "dpf_result", integer, 1, 1, once},
    {tag::set_dpf, "set_dpf", integer, 1, 1, once},
    {tag::ms_availability_status, "ms_availability_status", integer, 1, 1, once},
    {tag::network_error_code, "network_error_code", octets, 3, 3, once},
    {tag::message_payload, "message_payload", octets, 0, 65535, once},
    {tag::delivery_failure_reason, "delivery_failure_reason", integer, 1, 1, once},
    {tag::more_messages_to_send, "more_messages_to_send", integer, 1, 1, once},
    {tag::message_state, "message_state", integer, 1, 1, once},
    {tag::congestion_state, "congestion_state", integer, 1, 1, once},
    {tag::ussd_service_op, "ussd_service_op", integer, 1, 1, once},
    {tag::broadcast_channel_indicator, "broadcast_channel_indicator", integer, 1, 1, once},
    {tag::broadcast_content_type, "broadcast_content_type", octets, 3, 3, once},
    {tag::broadcast_content_type_info, "broadcast_content_type_info", octets, 1, 255, once},
    {tag::broadcast_message_class, "broadcast_message_class", integer, 1, 1, once},
    {tag::broadcast_rep_num, "broadcast_rep_num", integer, 2, 2, once},
    {tag::broadcast_frequency_interval, "broadcast_frequency_interval", octets, 3, 3, once},
    {tag::broadcast_area_identifier, "broadcast_area_identifier", octets, 1, 101, repeats},
    {tag::broadcast_error_status, "broadcast_error_status", integer, 4, 4, repeats},
    {tag::broadcast_area_success, "broadcast_area_success", integer, 1, 1, repeats},
    {tag::broadcast_end_time, "broadcast_end_time", text, 16, 17, once},
    {tag::broadcast_service_group, "broadcast_service_group", octets, 1, 255, once},
    {tag::billing_identification, "billing_identification", octets, 1, 1024, once},
    {tag::source_network_id, "source_network_id", text, 7, 66, once},
    {tag::dest_network_id, "dest_network_id", text, 7, 66, once},
    {tag::source_node_id, "source_node_id", octets, 5, 6, once},
    {tag::dest_node_id, "dest_node_id", octets, 5, 6, once},
    {tag::dest_addr_np_resolution, "dest_addr_np_resolution", integer, 1, 1, once},
    {tag::dest_addr_np_information, "dest_addr_np_information", octets, 10, 10, once},
    {tag::dest_addr_np_country, "dest_addr_np_country", octets, 1, 5, once},
    {tag::display_time, "display_time", integer, 1, 1, once},
    {tag::sms_signal, "sms_signal", integer, 2, 2, once},
    {tag::ms_validity, "ms_validity", octets, 1, 4, once},
    {tag::alert_on_message_delivery, "alert_on_message_delivery", octets, 0, 1, once},
    {tag::its_reply_type, "its_reply_type", integer, 1, 1, once},
    {tag::its_session_info, "its_session_info", octets, 2, 2, once},
};
static_assert(std::ranges::is_sorted(table, {}, &tlv_info::tag));

}  // namespace

const tlv_info* find_tlv(smpp::tag t) noexcept {
  const auto found = std::ranges::lower_bound(table, t, {}, &tlv_info::tag);
  return found != std::ranges::end(table) && found->tag == t ? found : nullptr;
}

std::optional<std::uint32_t> tlv::as_integer() const noexcept {
  switch (value.size()) {
    case 1: return value[0];
    case 2: return load_big<std::uint16_t>(value.data());
    case 4: return load_big<std::uint32_t>(value.data());
    default: return std::nullopt;
  }
}

std::string_view tlv::as_cstring() const noexcept {
  auto view = as_text(value);
  return view.substr(0, view.find('\0'));
}

bool tlv::has_wrong_length() const noexcept {
  const auto* info = find_tlv(tag);
  return info != nullptr && (value.size() < info->length_min || value.size() > info->length_max);
}

void tlv_list::iterator::read() noexcept {
  if (rest_.size() < 4) {
    rest_ = {};
    current_ = {};
    return;
  }
  const std::size_t declared = load_big<std::uint16_t>(rest_.data() + 2);
  current_.tag = static_cast<smpp::tag>(load_big<std::uint16_t>(rest_.data()));
  current_.value = rest_.subspan(4, std::min(declared, rest_.size() - 4));
}

std::optional<tlv> tlv_list::find(smpp::tag t) const noexcept {
  for (const auto& each : *this)
    if (each.tag == t) return each;
  return std::nullopt;
}

std::optional<std::uint32_t> tlv_list::find_integer(smpp::tag t) const noexcept {
  const auto found = find(t);
  return found ? found->as_integer() : std::nullopt;
}

std::optional<std::string_view> tlv_list::find_cstring(smpp::tag t) const noexcept {
  const auto found = find(t);
  return found ? std::optional(found->as_cstring()) : std::nullopt;
}

result<void> tlv_builder::add(smpp::tag t, bytes_view value) {
  if (value.size() > 0xFFFF) return fault{make_error_code(errc::field_too_long), "tlvs"};
  append_big(encoded_, static_cast<std::uint16_t>(t));
  append_big(encoded_, static_cast<std::uint16_t>(value.size()));
  msgkit::append(encoded_, value);
  return {};
}

tlv_builder& tlv_builder::add_u8(smpp::tag t, std::uint8_t value) {
  (void)add(t, bytes_view{&value, 1});
  return *this;
}

tlv_builder& tlv_builder::add_u16(smpp::tag t, std::uint16_t value) {
  std::uint8_t big[2];
  store_big(big, value);
  (void)add(t, big);
  return *this;
}

tlv_builder& tlv_builder::add_u32(smpp::tag t, std::uint32_t value) {
  std::uint8_t big[4];
  store_big(big, value);
  (void)add(t, big);
  return *this;
}

tlv_builder& tlv_builder::add_cstring(smpp::tag t, std::string_view characters) {
  characters = characters.substr(0, 0xFFFE);
  append_big(encoded_, static_cast<std::uint16_t>(t));
  append_big(encoded_, static_cast<std::uint16_t>(characters.size() + 1));
  msgkit::append(encoded_, characters);
  encoded_.push_back(0);
  return *this;
}

tlv_builder& tlv_builder::append(const tlv_list& list) {
  msgkit::append(encoded_, list.encoded());
  return *this;
}

tlv_builder& tlv_builder::clear() noexcept {
  encoded_.clear();
  return *this;
}

}  // namespace msgkit::smpp
