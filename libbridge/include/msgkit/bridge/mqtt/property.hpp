// Properties of MQTT 5 (section 2.2.2), kept in their encoded form: a decoded packet carries a checked view, a packet
// to be sent carries what a property_builder wrote. Nothing allocates while receiving.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "msgkit/bridge/mqtt/types.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::bridge::mqtt {

enum class property_id : std::uint8_t {
  payload_format_indicator = 0x01,
  message_expiry_interval = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0B,
  session_expiry_interval = 0x11,
  assigned_client_identifier = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay_interval = 0x18,
  request_response_information = 0x19,
  response_information = 0x1A,
  server_reference = 0x1C,
  reason_string = 0x1F,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifier_available = 0x29,
  shared_subscription_available = 0x2A,
};

enum class property_kind : std::uint8_t { octet, two_octets, four_octets, variable, text, binary, pair };

// Where a property may stand: one bit per packet type, bit 0 for the will inside CONNECT.
using property_places = std::uint16_t;
constexpr property_places in_will = 1;
constexpr property_places in(packet_type t) noexcept { return static_cast<property_places>(1u << static_cast<unsigned>(t)); }

struct property_info {
  property_id id;
  std::string_view name;
  property_kind kind;
  property_places places;
  std::uint32_t min;  // of numbers
  std::uint32_t max;
  bool repeatable = false;
};
// In ascending order of id.
std::span<const property_info> property_table() noexcept;
const property_info* find_property(std::uint8_t id) noexcept;

struct property {
  property_id id{};
  std::uint32_t number = 0;  // kinds octet to variable
  std::string_view text{};   // text, binary; the name of a pair
  std::string_view value{};  // the value of a pair
};

// A checked sequence of properties. The octets belong to the packet or builder it came from.
class properties {
 public:
  class iterator {
   public:
    using value_type = property;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    iterator() = default;
    explicit iterator(bytes_view rest) : rest_(rest) { ++*this; }
    const property& operator*() const noexcept { return current_; }
    const property* operator->() const noexcept { return &current_; }
    iterator& operator++();
    iterator operator++(int) { auto before = *this; ++*this; return before; }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_end_ == b.at_end_; }

   private:
    bytes_view rest_{};
    property current_{};
    bool at_end_ = true;
  };

  properties() = default;
  // Precondition: `octets` passed check_properties().
  explicit properties(bytes_view octets) noexcept : octets_(octets) {}

  [[nodiscard]] iterator begin() const { return iterator(octets_); }
  [[nodiscard]] iterator end() const { return {}; }
  [[nodiscard]] bool empty() const noexcept { return octets_.empty(); }
  [[nodiscard]] bytes_view octets() const noexcept { return octets_; }
  // The first one.
  [[nodiscard]] std::optional<property> find(property_id id) const;
  [[nodiscard]] std::uint32_t number(property_id id, std::uint32_t fallback) const;
  [[nodiscard]] std::string_view text(property_id id) const;

 private:
  bytes_view octets_{};
};

// Whether `octets` are well-formed properties that may stand in `place`. The fault's field names the property.
// Errors: property_unknown, property_repeated, property_misplaced, truncated, value_out_of_range, invalid_utf8.
result<void> check_properties(bytes_view octets, property_places place);

// Writes properties. Does not judge order or place: encode() does, as decode() would.
class property_builder {
 public:
  property_builder& number(property_id id, std::uint32_t value);
  property_builder& text(property_id id, std::string_view value);  // text and binary
  property_builder& user(std::string_view name, std::string_view value);
  property_builder& copy(const property& p);
  void clear() noexcept { octets_.clear(); }
  [[nodiscard]] bool empty() const noexcept { return octets_.empty(); }
  // Valid until the next change.
  [[nodiscard]] properties list() const noexcept { return properties(octets_); }

 private:
  void counted(std::string_view value);
  byte_vector octets_;
};

// The variable byte integer of section 1.5.5. Returns the octets used, 0 when more are needed.
// Errors: remaining_length_invalid.
result<std::size_t> read_variable(bytes_view octets, std::uint32_t& value) noexcept;
void append_variable(byte_vector& out, std::uint32_t value);
constexpr std::size_t variable_bytes(std::uint32_t value) noexcept {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}

// UTF-8 as MQTT wants it: well-formed and without U+0000 (section 1.5.4).
bool is_mqtt_text(std::string_view text) noexcept;

}  // namespace msgkit::bridge::mqtt
