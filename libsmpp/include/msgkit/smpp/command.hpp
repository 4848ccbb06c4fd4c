// command_id values (SMPP 3.4 section 5.1.2.1, 5.0 section 4.7.5) and what the protocol says about each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace msgkit::smpp {

enum class command_id : std::uint32_t {
  generic_nack = 0x80000000,
  bind_receiver = 0x00000001,
  bind_receiver_resp = 0x80000001,
  bind_transmitter = 0x00000002,
  bind_transmitter_resp = 0x80000002,
  query_sm = 0x00000003,
  query_sm_resp = 0x80000003,
  submit_sm = 0x00000004,
  submit_sm_resp = 0x80000004,
  deliver_sm = 0x00000005,
  deliver_sm_resp = 0x80000005,
  unbind = 0x00000006,
  unbind_resp = 0x80000006,
  replace_sm = 0x00000007,
  replace_sm_resp = 0x80000007,
  cancel_sm = 0x00000008,
  cancel_sm_resp = 0x80000008,
  bind_transceiver = 0x00000009,
  bind_transceiver_resp = 0x80000009,
  outbind = 0x0000000B,
  enquire_link = 0x00000015,
  enquire_link_resp = 0x80000015,
  submit_multi = 0x00000021,
  submit_multi_resp = 0x80000021,
  param_retrieve = 0x00000022,
  param_retrieve_resp = 0x80000022,
  query_last_msgs = 0x00000023,
  query_last_msgs_resp = 0x80000023,
  query_msg_details = 0x00000024,
  query_msg_details_resp = 0x80000024,
  alert_notification = 0x00000102,
  data_sm = 0x00000103,
  data_sm_resp = 0x80000103,
  broadcast_sm = 0x00000111,
  broadcast_sm_resp = 0x80000111,
  query_broadcast_sm = 0x00000112,
  query_broadcast_sm_resp = 0x80000112,
  cancel_broadcast_sm = 0x00000113,
  cancel_broadcast_sm_resp = 0x80000113,
};

constexpr std::uint32_t response_bit = 0x80000000;

constexpr bool is_response(command_id id) noexcept { return (static_cast<std::uint32_t>(id) & response_bit) != 0; }
constexpr command_id response_to(command_id id) noexcept {
  return static_cast<command_id>(static_cast<std::uint32_t>(id) | response_bit);
}
constexpr command_id request_of(command_id id) noexcept {
  return static_cast<command_id>(static_cast<std::uint32_t>(id) & ~response_bit);
}

// Session states (5.0 section 2.3). `open` is a connection on which nobody has bound yet.
enum class session_state : std::uint8_t { closed, open, outbound, bound_tx, bound_rx, bound_trx, unbound };

// Which states allow a command, as a bit per session_state.
constexpr std::uint8_t in(session_state s) noexcept {
  return static_cast<std::uint8_t>(1u << static_cast<unsigned>(s));
}
constexpr std::uint8_t in_tx = in(session_state::bound_tx) | in(session_state::bound_trx);
constexpr std::uint8_t in_rx = in(session_state::bound_rx) | in(session_state::bound_trx);
constexpr std::uint8_t in_bound = in_tx | in_rx;
constexpr std::uint8_t in_unbound_connection = in(session_state::open) | in(session_state::outbound);
constexpr std::uint8_t in_connected = in_unbound_connection | in_bound | in(session_state::unbound);

// A request: who may send it in which states (the operation matrix of 5.0 section 2.4). A response may be sent in the
// states of its request by the other side. An MC may send data_sm on a TX bind: 3.4 is read both ways, so we accept it.
struct command_info {
  command_id id;
  std::string_view name;
  std::uint8_t version_min;   // interface_version that introduced it; 3.4 dropped 0x22 to 0x24 again
  std::uint8_t esme_states;   // states in which the ESME may send it
  std::uint8_t mc_states;     // states in which the MC may send it
  bool has_response;
};

// inline: one table for the whole program, because find_command() hands out pointers into it.
inline constexpr command_info command_table[] = {
    // id                                name                 since  ESME             MC               response
    {command_id::bind_receiver,          "bind_receiver",      0x33, in_unbound_connection, 0,         true},
    {command_id::bind_transmitter,       "bind_transmitter",   0x33, in_unbound_connection, 0,         true},
    {command_id::query_sm,               "query_sm",           0x33, in_tx,           0,               true},
    {command_id::submit_sm,              "submit_sm",          0x33, in_tx,           0,               true},
    {command_id::deliver_sm,             "deliver_sm",         0x33, 0,               in_rx,           true},
    {command_id::unbind,                 "unbind",             0x33, in_bound,        in_bound,        true},
    {command_id::replace_sm,             "replace_sm",         0x33, in_tx,           0,               true},
    {command_id::cancel_sm,              "cancel_sm",          0x33, in_tx,           0,               true},
    {command_id::bind_transceiver,       "bind_transceiver",   0x34, in_unbound_connection, 0,         true},
    {command_id::outbind,                "outbind",            0x34, 0,               in(session_state::open), false},
    {command_id::enquire_link,           "enquire_link",       0x33, in_connected,    in_connected,    true},
    {command_id::submit_multi,           "submit_multi",       0x33, in_tx,           0,               true},
    {command_id::param_retrieve,         "param_retrieve",     0x33, in_bound,        0,               true},
    {command_id::query_last_msgs,        "query_last_msgs",    0x33, in_tx,           0,               true},
    {command_id::query_msg_details,      "query_msg_details",  0x33, in_tx,           0,               true},
    {command_id::alert_notification,     "alert_notification", 0x34, 0,               in_rx,           false},
    {command_id::data_sm,                "data_sm",            0x34, in_tx,           in_bound,        true},
    {command_id::broadcast_sm,           "broadcast_sm",       0x50, in_tx,           0,               true},
    {command_id::query_broadcast_sm,     "query_broadcast_sm", 0x50, in_tx,           0,               true},
    {command_id::cancel_broadcast_sm,    "cancel_broadcast_sm", 0x50, in_tx,          0,               true},
};
static_assert(std::ranges::is_sorted(command_table, {}, &command_info::id));

// Null for a command this table does not know. `id` may be a response; generic_nack has no entry.
constexpr const command_info* find_command(command_id id) noexcept {
  const auto found = std::ranges::lower_bound(command_table, request_of(id), {}, &command_info::id);
  return found != std::ranges::end(command_table) && found->id == request_of(id) ? found : nullptr;
}

// "submit_sm", "submit_sm_resp", "generic_nack"; empty for an unknown command. Static storage.
std::string_view command_name(command_id id) noexcept;

}  // namespace msgkit::smpp
