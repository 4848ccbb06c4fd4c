// The control packets of MQTT 3.1.1 and 5, each described once (chapter 3 of both specifications).
//
// fields() names what follows the fixed header in wire order; encoder, decoder and size are visitors over it. Views of
// a decoded packet point into the frame it came from. Properties exist in version 5 only and are left out otherwise.
#pragma once

#include <optional>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "msgkit/bridge/mqtt/property.hpp"
#include "msgkit/bridge/mqtt/types.hpp"

namespace msgkit::bridge::mqtt {

struct will_message {
  std::string_view topic{};
  bytes_view payload{};
  mqtt::qos qos = qos::at_most_once;
  bool retain = false;
  mqtt::properties properties{};
};

struct connect {
  static constexpr packet_type type = packet_type::connect;
  mqtt::version version = mqtt::version::v5;
  bool clean_start = true;
  std::uint16_t keep_alive = 0;  // seconds, 0: none
  mqtt::properties properties{};
  std::string_view client_id{};
  std::optional<will_message> will{};
  std::optional<std::string_view> user_name{};
  std::optional<bytes_view> password{};

  [[nodiscard]] std::uint8_t flags() const noexcept {
    unsigned f = clean_start ? 2u : 0u;
    if (will) f |= 4u | static_cast<unsigned>(will->qos) << 3 | (will->retain ? 32u : 0u);
    return static_cast<std::uint8_t>(f | (password ? 64u : 0u) | (user_name ? 128u : 0u));
  }
  // False for reserved or contradictory bits.
  bool set_flags(std::uint8_t f) {
    clean_start = (f & 2) != 0;
    if ((f & 4) != 0) will.emplace().retain = (f & 32) != 0;
    if (will) will->qos = static_cast<mqtt::qos>((f >> 3) & 3);
    if ((f & 64) != 0) password.emplace();
    if ((f & 128) != 0) user_name.emplace();
    return (f & 1) == 0 && (f & 0x18) != 0x18 && (will || (f & 0x38) == 0);
  }

  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.protocol("protocol", s.version);
    std::uint8_t bits = 0;
    if constexpr (std::is_const_v<Self>) bits = s.flags();
    v.octet("connect_flags", bits);
    if constexpr (!std::is_const_v<Self>) v.require(s.set_flags(bits), "connect_flags");
    v.u16("keep_alive", s.keep_alive);
    v.properties("properties", s.properties, in(type));
    v.text("client_id", s.client_id);
    if (s.will) {
      v.properties("will_properties", s.will->properties, in_will);
      v.topic("will_topic", s.will->topic);
      v.binary("will_payload", s.will->payload);
    }
    if (s.user_name) v.text("user_name", *s.user_name);
    if (s.password) v.binary("password", *s.password);
  }
};

struct connack {
  static constexpr packet_type type = packet_type::connack;
  bool session_present = false;
  reason_code reason = reason_code::success;
  mqtt::properties properties{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.flag("session_present", s.session_present);
    v.connect_reason("reason", s.reason);
    v.properties("properties", s.properties, in(type));
  }
};

// dup, qos and retain travel in the fixed header.
struct publish {
  static constexpr packet_type type = packet_type::publish;
  bool dup = false;
  mqtt::qos qos = qos::at_most_once;
  bool retain = false;
  std::string_view topic{};  // empty only beside a topic alias
  std::uint16_t packet_id = 0;
  mqtt::properties properties{};
  bytes_view payload{};

  [[nodiscard]] std::uint8_t header_flags() const noexcept {
    return static_cast<std::uint8_t>((dup ? 8u : 0u) | static_cast<unsigned>(qos) << 1 | (retain ? 1u : 0u));
  }
  bool set_header_flags(std::uint8_t f) noexcept {
    dup = (f & 8) != 0;
    qos = static_cast<mqtt::qos>((f >> 1) & 3);
    retain = (f & 1) != 0;
    return (f & 6) != 6 && (qos != qos::at_most_once || !dup);
  }
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.publish_topic("topic", s.topic);
    if (s.qos != qos::at_most_once) v.packet_id("packet_id", s.packet_id);
    v.properties("properties", s.properties, in(type));
    v.rest("payload", s.payload);
  }
};

template <packet_type Type>
struct publish_ack {
  static constexpr packet_type type = Type;
  std::uint16_t packet_id = 0;
  reason_code reason = reason_code::success;
  mqtt::properties properties{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.packet_id("packet_id", s.packet_id);
    v.tail(s.reason, s.properties, in(type));
  }
};
using puback = publish_ack<packet_type::puback>;
using pubrec = publish_ack<packet_type::pubrec>;
using pubrel = publish_ack<packet_type::pubrel>;
using pubcomp = publish_ack<packet_type::pubcomp>;

enum class retain_handling : std::uint8_t { send = 0, send_if_new = 1, ignore = 2 };

struct subscription {
  std::string_view filter{};
  mqtt::qos qos = qos::at_most_once;
  // Version 5 only.
  bool no_local = false;
  bool retain_as_published = false;
  mqtt::retain_handling retain_handling = retain_handling::send;

  [[nodiscard]] std::uint8_t options() const noexcept {
    return static_cast<std::uint8_t>(static_cast<unsigned>(qos) | (no_local ? 4u : 0u) | (retain_as_published ? 8u : 0u) |
                                     static_cast<unsigned>(retain_handling) << 4);
  }
  bool set_options(std::uint8_t o) noexcept {
    qos = static_cast<mqtt::qos>(o & 3);
    no_local = (o & 4) != 0;
    retain_as_published = (o & 8) != 0;
    retain_handling = static_cast<mqtt::retain_handling>((o >> 4) & 3);
    return (o & 3) != 3 && (o & 0x30) != 0x30 && (o & 0xC0) == 0;
  }
};

struct subscribe {
  static constexpr packet_type type = packet_type::subscribe;
  std::uint16_t packet_id = 0;
  mqtt::properties properties{};
  std::vector<subscription> subscriptions{};  // at least one
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.packet_id("packet_id", s.packet_id);
    v.properties("properties", s.properties, in(type));
    v.list("subscriptions", s.subscriptions);
  }
};

struct unsubscribe {
  static constexpr packet_type type = packet_type::unsubscribe;
  std::uint16_t packet_id = 0;
  mqtt::properties properties{};
  std::vector<std::string_view> filters{};  // at least one
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.packet_id("packet_id", s.packet_id);
    v.properties("properties", s.properties, in(type));
    v.list("filters", s.filters);
  }
};

template <packet_type Type>
struct subscribe_ack {
  static constexpr packet_type type = Type;
  std::uint16_t packet_id = 0;
  mqtt::properties properties{};
  bytes_view reasons{};  // one octet per filter, a reason_code; none in UNSUBACK of 3.1.1
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.packet_id("packet_id", s.packet_id);
    v.properties("properties", s.properties, in(type));
    v.rest("reasons", s.reasons);
  }
};
using suback = subscribe_ack<packet_type::suback>;
using unsuback = subscribe_ack<packet_type::unsuback>;

template <packet_type Type>
struct empty_packet {
  static constexpr packet_type type = Type;
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&&, Self&) {}
};
using pingreq = empty_packet<packet_type::pingreq>;
using pingresp = empty_packet<packet_type::pingresp>;

// DISCONNECT, and AUTH of version 5.
template <packet_type Type>
struct reason_packet {
  static constexpr packet_type type = Type;
  reason_code reason = reason_code::success;
  mqtt::properties properties{};
  template <class Visitor, class Self>
  static constexpr void fields(Visitor&& v, Self& s) {
    v.tail(s.reason, s.properties, in(type));
  }
};
using disconnect = reason_packet<packet_type::disconnect>;
using auth = reason_packet<packet_type::auth>;

using packet = std::variant<connect, connack, publish, puback, pubrec, pubrel, pubcomp, subscribe, suback, unsubscribe,
                            unsuback, pingreq, pingresp, disconnect, auth>;

}  // namespace msgkit::bridge::mqtt
