// Optional parameters (SMPP 3.4 section 5.3). A PDU holds its TLVs as one view over their encoded octets, so relaying
// is a copy, unknown tags survive in order, and a PDU stays trivially destructible.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::smpp {

enum class tag : std::uint16_t {
  dest_addr_subunit = 0x0005,
  dest_network_type = 0x0006,
  dest_bearer_type = 0x0007,
  dest_telematics_id = 0x0008,
  source_addr_subunit = 0x000D,
  source_network_type = 0x000E,
  source_bearer_type = 0x000F,
  source_telematics_id = 0x0010,
  qos_time_to_live = 0x0017,
  payload_type = 0x0019,
  additional_status_info_text = 0x001D,
  receipted_message_id = 0x001E,
  ms_msg_wait_facilities = 0x0030,
  privacy_indicator = 0x0201,
  source_subaddress = 0x0202,
  dest_subaddress = 0x0203,
  user_message_reference = 0x0204,
  user_response_code = 0x0205,
  source_port = 0x020A,
  destination_port = 0x020B,
  sar_msg_ref_num = 0x020C,
  language_indicator = 0x020D,
  sar_total_segments = 0x020E,
  sar_segment_seqnum = 0x020F,
  sc_interface_version = 0x0210,
  callback_num_pres_ind = 0x0302,
  callback_num_atag = 0x0303,
  number_of_messages = 0x0304,
  callback_num = 0x0381,
  dpf_result = 0x0420,
  set_dpf = 0x0421,
  ms_availability_status = 0x0422,
  network_error_code = 0x0423,
  message_payload = 0x0424,
  delivery_failure_reason = 0x0425,
  more_messages_to_send = 0x0426,
  message_state = 0x0427,
  congestion_state = 0x0428,
  ussd_service_op = 0x0501,
  broadcast_channel_indicator = 0x0600,
  broadcast_content_type = 0x0601,
  broadcast_content_type_info = 0x0602,
  broadcast_message_class = 0x0603,
  broadcast_rep_num = 0x0604,
  broadcast_frequency_interval = 0x0605,
  broadcast_area_identifier = 0x0606,
  broadcast_error_status = 0x0607,
  broadcast_area_success = 0x0608,
  broadcast_end_time = 0x0609,
  broadcast_service_group = 0x060A,
  billing_identification = 0x060B,
  source_network_id = 0x060D,
  dest_network_id = 0x060E,
  source_node_id = 0x060F,
  dest_node_id = 0x0610,
  dest_addr_np_resolution = 0x0611,
  dest_addr_np_information = 0x0612,
  dest_addr_np_country = 0x0613,
  display_time = 0x1201,
  sms_signal = 0x1203,
  ms_validity = 0x1204,
  alert_on_message_delivery = 0x130C,
  its_reply_type = 0x1380,
  its_session_info = 0x1383,
};

enum class tlv_kind : std::uint8_t { integer, text, octets };

struct tlv_info {
  smpp::tag tag;
  std::string_view name;
  tlv_kind kind;
  std::uint16_t length_min;  // octets of the value
  std::uint16_t length_max;
  bool repeatable;
};

// Null for a tag no version of SMPP defines (vendor tags 0x1400-0x3FFF among them).
const tlv_info* find_tlv(tag t) noexcept;

struct tlv {
  smpp::tag tag{};
  bytes_view value{};

  // The value as an unsigned integer of 1, 2 or 4 octets; nullopt for any other length.
  [[nodiscard]] std::optional<std::uint32_t> as_integer() const noexcept;
  // Without the closing NUL, which peers often forget.
  [[nodiscard]] std::string_view as_cstring() const noexcept;
  // Known tag and a length outside the specification's limits.
  [[nodiscard]] bool has_wrong_length() const noexcept;

  friend bool operator==(const tlv& a, const tlv& b) noexcept {
    return a.tag == b.tag && as_text(a.value) == as_text(b.value);
  }
};

// A view over encoded TLVs. Iteration is lazy and bounded; a last TLV whose length points past the end is clamped to
// what is there, and fewer than four trailing octets are not a TLV.
class tlv_list {
 public:
  constexpr tlv_list() = default;
  constexpr explicit tlv_list(bytes_view encoded) noexcept : encoded_(encoded) {}

  class iterator {
   public:
    using value_type = tlv;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    iterator() = default;
    explicit iterator(bytes_view rest) noexcept : rest_(rest) { read(); }
    const tlv& operator*() const noexcept { return current_; }
    const tlv* operator->() const noexcept { return &current_; }
    iterator& operator++() noexcept {
      rest_ = rest_.subspan(4 + current_.value.size());
      read();
      return *this;
    }
    iterator operator++(int) noexcept {
      auto copy = *this;
      ++*this;
      return copy;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.rest_.size() == b.rest_.size(); }
    // This TLV's header within the list.
    [[nodiscard]] const std::uint8_t* position() const noexcept { return rest_.data(); }

   private:
    void read() noexcept;
    bytes_view rest_{};
    tlv current_{};
  };

  [[nodiscard]] iterator begin() const noexcept { return iterator(encoded_); }
  [[nodiscard]] iterator end() const noexcept { return {}; }
  [[nodiscard]] constexpr bytes_view encoded() const noexcept { return encoded_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return encoded_.size() < 4; }

  // The first TLV with this tag; when a tag repeats that is not repeatable the first one counts.
  [[nodiscard]] std::optional<tlv> find(tag t) const noexcept;
  // The first TLV with this tag when it holds an integer of 1, 2 or 4 octets.
  [[nodiscard]] std::optional<std::uint32_t> find_integer(tag t) const noexcept;
  [[nodiscard]] std::optional<std::string_view> find_cstring(tag t) const noexcept;

  // The same TLVs in the same order.
  friend bool operator==(const tlv_list& a, const tlv_list& b) noexcept { return std::ranges::equal(a, b); }

 private:
  bytes_view encoded_{};
};

// Builds TLVs for a PDU: `m.tlvs = builder.list();`. The builder must outlive the PDU's use.
class tlv_builder {
 public:
  // Values longer than 65535 octets are refused: errc::field_too_long.
  result<void> add(tag t, bytes_view value);
  tlv_builder& add_u8(tag t, std::uint8_t value);
  tlv_builder& add_u16(tag t, std::uint16_t value);
  tlv_builder& add_u32(tag t, std::uint32_t value);
  // With the closing NUL. Text longer than 65534 octets is cut.
  tlv_builder& add_cstring(tag t, std::string_view text);
  // Relays TLVs as they are.
  tlv_builder& append(const tlv_list& list);
  tlv_builder& clear() noexcept;

  [[nodiscard]] tlv_list list() const noexcept { return tlv_list(encoded_); }
  [[nodiscard]] bool empty() const noexcept { return encoded_.empty(); }

 private:
  byte_vector encoded_;
};

}  // namespace msgkit::smpp
