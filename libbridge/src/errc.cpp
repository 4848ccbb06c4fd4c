#include "msgkit/bridge/errc.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace msgkit::bridge {
namespace {

struct row {
  errc code;
  const char* text;
};
constexpr row texts[] = {
    {errc::truncated, "packet ends inside a field"},
    {errc::packet_too_large, "packet is larger than the limit"},
    {errc::value_out_of_range, "value is out of range"},
    {errc::invalid_utf8, "text is not UTF-8 or contains NUL"},
    {errc::trailing_octets, "packet goes on after its last field"},
    {errc::remaining_length_invalid, "remaining length is malformed"},
    {errc::header_flags_invalid, "reserved flags of the fixed header are wrong"},
    {errc::packet_type_invalid, "packet type is invalid"},
    {errc::protocol_invalid, "not MQTT 3.1.1 or 5"},
    {errc::packet_id_zero, "packet identifier is zero"},
    {errc::topic_name_invalid, "topic name is empty or contains a wildcard"},
    {errc::topic_filter_invalid, "topic filter is malformed"},
    {errc::property_unknown, "property is unknown"},
    {errc::property_repeated, "property is repeated"},
    {errc::property_misplaced, "property is not allowed in this packet"},
    {errc::resp_type_unknown, "reply type is unknown"},
    {errc::resp_line_too_long, "line of a reply is too long"},
    {errc::resp_number_invalid, "number in a reply is malformed"},
    {errc::resp_nesting_too_deep, "reply is nested too deeply"},
    {errc::resp_too_many_elements, "reply has too many elements"},
    {errc::resp_terminator_missing, "CRLF is missing in a reply"},
    {errc::http_response_invalid, "answer to the upgrade is not HTTP"},
    {errc::upgrade_refused, "server refused the WebSocket upgrade"},
    {errc::frame_invalid, "WebSocket frame is invalid"},
    {errc::websocket_closed, "server closed the WebSocket"},
    {errc::field_too_long, "field is longer than the protocol can say"},
    {errc::not_connected, "not connected"},
    {errc::window_full, "window is full"},
    {errc::connect_timeout, "peer did not answer the connect in time"},
    {errc::keep_alive_timeout, "peer did not answer the ping in time"},
    {errc::reply_timeout, "no reply in time"},
    {errc::protocol_violation, "peer broke the protocol"},
    {errc::stale_token, "message belongs to an earlier connection"},
    {errc::unsupported_by_peer, "peer does not offer this"},
    {errc::peer_disconnected, "broker disconnected"},
    {errc::session_lost, "broker lost the session"},
    {errc::master_unknown, "sentinel knows no master of that name"},
    {errc::not_master, "server is not the master"},
    {errc::node_moved, "served by another node of the cluster now"},
    {errc::cluster_map_invalid, "node gave no valid map of the cluster"},
    {errc::name_invalid, "resulting name is not valid on the other side"},
    {errc::message_expired, "message expired"},
    {errc::payload_invalid, "payload cannot be transformed"},
    {errc::hop_limit, "message went through too many bridges"},
    {errc::queue_full, "queue is full"},
    {errc::spool_damaged, "spool is damaged before its end"},
};

class category final : public std::error_category {
  [[nodiscard]] const char* name() const noexcept override { return "msgkit.bridge"; }
  [[nodiscard]] std::string message(int value) const override {
    const auto found = std::ranges::find(texts, static_cast<errc>(value), &row::code);
    return found == std::end(texts) ? "unknown fault " + std::to_string(value) : found->text;
  }
};

}  // namespace

const std::error_category& bridge_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), bridge_category()}; }

}  // namespace msgkit::bridge
