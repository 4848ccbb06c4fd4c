#include "msgkit/bridge/mqtt/property.hpp"

#include <algorithm>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::bridge::mqtt {
namespace {

using enum property_id;
using enum property_kind;
constexpr auto publish = in(packet_type::publish);
constexpr auto connect = in(packet_type::connect);
constexpr auto connack = in(packet_type::connack);
constexpr auto disconnect = in(packet_type::disconnect);
constexpr auto auth = in(packet_type::auth);
constexpr property_places acks = in(packet_type::puback) | in(packet_type::pubrec) | in(packet_type::pubrel) |
                                 in(packet_type::pubcomp) | in(packet_type::suback) | in(packet_type::unsuback);
constexpr property_places message = publish | in_will;
constexpr property_places anywhere = 0xFFFF;
constexpr std::uint32_t u32_max = 0xFFFFFFFF;

constexpr property_info table[] = {
    {payload_format_indicator, "payload_format_indicator", octet, message, 0, 1},
    {message_expiry_interval, "message_expiry_interval", four_octets, message, 0, u32_max},
    {content_type, "content_type", text, message, 0, 0},
    {response_topic, "response_topic", text, message, 0, 0},
    {correlation_data, "correlation_data", binary, message, 0, 0},
    {subscription_identifier, "subscription_identifier", variable,
     static_cast<property_places>(publish | in(packet_type::subscribe)), 1, 268'435'455, true},
    {session_expiry_interval, "session_expiry_interval", four_octets,
     static_cast<property_places>(connect | connack | disconnect), 0, u32_max},
    {assigned_client_identifier, "assigned_client_identifier", text, connack, 0, 0},
    {server_keep_alive, "server_keep_alive", two_octets, connack, 0, 65535},
    {authentication_method, "authentication_method", text, static_cast<property_places>(connect | connack | auth), 0, 0},
    {authentication_data, "authentication_data", binary, static_cast<property_places>(connect | connack | auth), 0, 0},
    {request_problem_information, "request_problem_information", octet, connect, 0, 1},
    {will_delay_interval, "will_delay_interval", four_octets, in_will, 0, u32_max},
    {request_response_information, "request_response_information", octet, connect, 0, 1},
    {response_information, "response_information", text, connack, 0, 0},
    {server_reference, "server_reference", text, static_cast<property_places>(connack | disconnect), 0, 0},
    {reason_string, "reason_string", text, static_cast<property_places>(connack | acks | disconnect | auth), 0, 0},
    {receive_maximum, "receive_maximum", two_octets, static_cast<property_places>(connect | connack), 1, 65535},
    {topic_alias_maximum, "topic_alias_maximum", two_octets, static_cast<property_places>(connect | connack), 0, 65535},
    {topic_alias, "topic_alias", two_octets, publish, 1, 65535},
    {maximum_qos, "maximum_qos", octet, connack, 0, 1},
    {retain_available, "retain_available", octet, connack, 0, 1},
    {user_property, "user_property", pair, anywhere, 0, 0, true},
    {maximum_packet_size, "maximum_packet_size", four_octets, static_cast<property_places>(connect | connack), 1, u32_max},
    {wildcard_subscription_available, "wildcard_subscription_available", octet, connack, 0, 1},
    {subscription_identifier_available, "subscription_identifier_available", octet, connack, 0, 1},
    {shared_subscription_available, "shared_subscription_available", octet, connack, 0, 1},
};
static_assert(std::ranges::is_sorted(table, {}, &property_info::id));

constexpr std::size_t number_bytes(property_kind k) noexcept { return k == octet ? 1 : k == two_octets ? 2 : 4; }

std::uint32_t load_number(const std::uint8_t* p, property_kind k) noexcept {
  return k == octet ? *p : k == two_octets ? load_big<std::uint16_t>(p) : load_big<std::uint32_t>(p);
}

// Takes one length-prefixed text off the front; false when it does not fit.
bool take_text(bytes_view& rest, std::string_view& out) noexcept {
  if (rest.size() < 2) return false;
  const std::size_t length = load_big<std::uint16_t>(rest.data());
  if (rest.size() < 2 + length) return false;
  out = as_text(rest.subspan(2, length));
  rest = rest.subspan(2 + length);
  return true;
}

// Takes one property off the front. Shape only.
result<property> take(bytes_view& rest) {
  const auto* info = find_property(rest.front());
  if (info == nullptr) return fault{make_error_code(errc::property_unknown), "properties"};
  property p{.id = info->id};
  rest = rest.subspan(1);
  const fault cut{make_error_code(errc::truncated), info->name};
  switch (info->kind) {
    case octet:
    case two_octets:
    case four_octets: {
      const auto count = number_bytes(info->kind);
      if (rest.size() < count) return cut;
      p.number = load_number(rest.data(), info->kind);
      rest = rest.subspan(count);
      break;
    }
    case variable: {
      const auto used = read_variable(rest, p.number);
      if (!used || *used == 0) return cut;
      rest = rest.subspan(*used);
      break;
    }
    case pair:
      if (!take_text(rest, p.text) || !take_text(rest, p.value)) return cut;
      break;
    case text:
    case binary:
      if (!take_text(rest, p.text)) return cut;
  }
  return p;
}

}  // namespace

std::span<const property_info> property_table() noexcept { return table; }

const property_info* find_property(std::uint8_t id) noexcept {
  const auto wanted = static_cast<property_id>(id);
  const auto found = std::ranges::lower_bound(table, wanted, {}, &property_info::id);
  return found != std::end(table) && found->id == wanted ? found : nullptr;
}

properties::iterator& properties::iterator::operator++() {
  at_end_ = rest_.empty();
  if (at_end_) return *this;
  const auto next = take(rest_);
  at_end_ = !next;
  if (next) current_ = *next;
  return *this;
}

std::optional<property> properties::find(property_id id) const {
  for (const auto& p : *this)
    if (p.id == id) return p;
  return std::nullopt;
}

std::uint32_t properties::number(property_id id, std::uint32_t fallback) const {
  const auto found = find(id);
  return found ? found->number : fallback;
}

std::string_view properties::text(property_id id) const {
  const auto found = find(id);
  return found ? found->text : std::string_view{};
}

result<void> check_properties(bytes_view octets, property_places place) {
  std::uint64_t seen = 0;
  auto rest = octets;
  while (!rest.empty()) {
    const auto offset = octets.size() - rest.size();
    const auto p = take(rest);
    if (!p) return fault{p.error().code, p.error().field, offset};
    const auto& info = *find_property(static_cast<std::uint8_t>(p->id));
    const auto wrong = [&](errc why) { return fault{make_error_code(why), info.name, offset}; };
    if ((info.places & place) == 0) return wrong(errc::property_misplaced);
    const auto bit = std::uint64_t{1} << static_cast<unsigned>(p->id);
    if ((seen & bit) != 0 && !info.repeatable) return wrong(errc::property_repeated);
    seen |= bit;
    if (info.kind <= variable && (p->number < info.min || p->number > info.max)) return wrong(errc::value_out_of_range);
    if ((info.kind == text || info.kind == pair) && !(is_mqtt_text(p->text) && is_mqtt_text(p->value)))
      return wrong(errc::invalid_utf8);
  }
  return {};
}

property_builder& property_builder::number(property_id id, std::uint32_t value) {
  octets_.push_back(static_cast<std::uint8_t>(id));
  switch (find_property(static_cast<std::uint8_t>(id))->kind) {
    case octet: octets_.push_back(static_cast<std::uint8_t>(value)); break;
    case two_octets: append_big(octets_, static_cast<std::uint16_t>(value)); break;
    case four_octets: append_big(octets_, value); break;
    default: append_variable(octets_, value);
  }
  return *this;
}

void property_builder::counted(std::string_view value) {
  value = value.substr(0, text_bytes_max);
  append_big(octets_, static_cast<std::uint16_t>(value.size()));
  append(octets_, value);
}

property_builder& property_builder::text(property_id id, std::string_view value) {
  octets_.push_back(static_cast<std::uint8_t>(id));
  counted(value);
  return *this;
}

property_builder& property_builder::user(std::string_view name, std::string_view value) {
  octets_.push_back(static_cast<std::uint8_t>(user_property));
  counted(name);
  counted(value);
  return *this;
}

property_builder& property_builder::copy(const property& p) {
  const auto kind = find_property(static_cast<std::uint8_t>(p.id))->kind;
  if (kind == pair) return user(p.text, p.value);
  return kind <= variable ? number(p.id, p.number) : text(p.id, p.text);
}

result<std::size_t> read_variable(bytes_view octets, std::uint32_t& value) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i == octets.size()) return std::size_t{0};
    sum |= static_cast<std::uint32_t>(octets[i] & 0x7F) << (7 * i);
    if ((octets[i] & 0x80) != 0) continue;
    value = sum;
    if (i + 1 != variable_bytes(sum)) return errc::remaining_length_invalid;
    return i + 1;
  }
  return errc::remaining_length_invalid;
}

void append_variable(byte_vector& out, std::uint32_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

bool is_mqtt_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && is_valid_utf8(text);
}

}  // namespace msgkit::bridge::mqtt
