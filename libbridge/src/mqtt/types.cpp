#include "msgkit/bridge/mqtt/types.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace msgkit::bridge::mqtt {
namespace {

constexpr std::string_view packet_names[] = {"",       "CONNECT", "CONNACK",   "PUBLISH", "PUBACK",      "PUBREC",
                                             "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
                                             "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};

struct reason_row {
  reason_code code;
  std::string_view text;
};
using enum reason_code;
constexpr reason_row reasons[] = {
    {success, "success"},
    {granted_qos_1, "granted QoS 1"},
    {granted_qos_2, "granted QoS 2"},
    {disconnect_with_will, "disconnect with will message"},
    {no_matching_subscribers, "no matching subscribers"},
    {no_subscription_existed, "no subscription existed"},
    {continue_authentication, "continue authentication"},
    {re_authenticate, "re-authenticate"},
    {unspecified_error, "unspecified error"},
    {malformed_packet, "malformed packet"},
    {protocol_error, "protocol error"},
    {implementation_specific_error, "implementation specific error"},
    {unsupported_protocol_version, "unsupported protocol version"},
    {client_identifier_not_valid, "client identifier not valid"},
    {bad_user_name_or_password, "bad user name or password"},
    {not_authorized, "not authorized"},
    {server_unavailable, "server unavailable"},
    {server_busy, "server busy"},
    {banned, "banned"},
    {server_shutting_down, "server shutting down"},
    {bad_authentication_method, "bad authentication method"},
    {keep_alive_timeout, "keep alive timeout"},
    {session_taken_over, "session taken over"},
    {topic_filter_invalid, "topic filter invalid"},
    {topic_name_invalid, "topic name invalid"},
    {packet_identifier_in_use, "packet identifier in use"},
    {packet_identifier_not_found, "packet identifier not found"},
    {receive_maximum_exceeded, "receive maximum exceeded"},
    {topic_alias_invalid, "topic alias invalid"},
    {packet_too_large, "packet too large"},
    {message_rate_too_high, "message rate too high"},
    {quota_exceeded, "quota exceeded"},
    {administrative_action, "administrative action"},
    {payload_format_invalid, "payload format invalid"},
    {retain_not_supported, "retain not supported"},
    {qos_not_supported, "QoS not supported"},
    {use_another_server, "use another server"},
    {server_moved, "server moved"},
    {shared_subscriptions_not_supported, "shared subscriptions not supported"},
    {connection_rate_exceeded, "connection rate exceeded"},
    {maximum_connect_time, "maximum connect time"},
    {subscription_identifiers_not_supported, "subscription identifiers not supported"},
    {wildcard_subscriptions_not_supported, "wildcard subscriptions not supported"},
};
constexpr reason_code v3_codes[] = {success, unsupported_protocol_version, client_identifier_not_valid,
                                    server_unavailable, bad_user_name_or_password, not_authorized};

class category final : public std::error_category {
  [[nodiscard]] const char* name() const noexcept override { return "mqtt.reason"; }
  [[nodiscard]] std::string message(int value) const override {
    return "broker: " + std::string(to_string(static_cast<reason_code>(value)));
  }
};

}  // namespace

std::string_view to_string(packet_type t) noexcept {
  const auto i = static_cast<std::size_t>(t);
  return i < std::size(packet_names) ? packet_names[i] : std::string_view{};
}

std::string_view to_string(reason_code r) noexcept {
  const auto found = std::ranges::lower_bound(reasons, r, {}, &reason_row::code);
  return found != std::end(reasons) && found->code == r ? found->text : "unknown reason";
}

reason_code from_v3_return_code(std::uint8_t code) noexcept {
  return code < std::size(v3_codes) ? v3_codes[code] : unspecified_error;
}

std::uint8_t to_v3_return_code(reason_code r) noexcept {
  const auto found = std::ranges::find(v3_codes, r);
  return found == std::end(v3_codes) ? std::uint8_t{3} : static_cast<std::uint8_t>(found - std::begin(v3_codes));
}

const std::error_category& reason_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace msgkit::bridge::mqtt
