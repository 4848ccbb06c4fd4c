// Small value types of the mandatory fields (SMPP 3.4 section 5.2). Unknown values pass through unchanged.
#pragma once

#include <cstdint>

namespace msgkit::smpp {

enum class ton : std::uint8_t {
  unknown = 0, international = 1, national = 2, network_specific = 3, subscriber = 4, alphanumeric = 5, abbreviated = 6,
};

enum class npi : std::uint8_t {
  unknown = 0, isdn = 1, data = 3, telex = 4, land_mobile = 6, national = 8, private_ = 9, ermes = 10, internet = 14,
  wap_client_id = 18,
};

enum class interface_version : std::uint8_t { v3_3 = 0x33, v3_4 = 0x34, v5_0 = 0x50 };

enum class bind_mode : std::uint8_t { receiver = 1, transmitter = 2, transceiver = 9 };

// esm_class (5.2.12): bits 1-0 messaging mode, bits 5-2 message type, bits 7-6 GSM features.
namespace esm {
constexpr std::uint8_t mode_mask = 0x03;
constexpr std::uint8_t mode_datagram = 0x01;
constexpr std::uint8_t mode_forward = 0x02;
constexpr std::uint8_t mode_store_and_forward = 0x03;
constexpr std::uint8_t type_mask = 0x3C;
constexpr std::uint8_t delivery_receipt = 0x04;
constexpr std::uint8_t delivery_acknowledgement = 0x08;
constexpr std::uint8_t user_acknowledgement = 0x10;
constexpr std::uint8_t conversation_abort = 0x18;
constexpr std::uint8_t intermediate_notification = 0x20;
constexpr std::uint8_t udh_indicator = 0x40;
constexpr std::uint8_t reply_path = 0x80;
}  // namespace esm

constexpr bool is_receipt(std::uint8_t esm_class) noexcept {
  const auto type = esm_class & esm::type_mask;
  return type == esm::delivery_receipt || type == esm::intermediate_notification;
}
constexpr bool has_udh(std::uint8_t esm_class) noexcept { return (esm_class & esm::udh_indicator) != 0; }

// registered_delivery (5.2.17): bits 1-0 final receipt, bits 3-2 SME acknowledgement, bit 4 intermediate notification.
namespace registered {
constexpr std::uint8_t none = 0x00;
constexpr std::uint8_t final_receipt = 0x01;
constexpr std::uint8_t failure_only = 0x02;
constexpr std::uint8_t success_only = 0x03;  // 5.0
constexpr std::uint8_t final_mask = 0x03;
constexpr std::uint8_t delivery_acknowledgement = 0x04;
constexpr std::uint8_t user_acknowledgement = 0x08;
constexpr std::uint8_t intermediate = 0x10;
}  // namespace registered

enum class message_state : std::uint8_t;  // message_state.hpp

}  // namespace msgkit::smpp
