// The control commands, as one table: `verb <id> <arguments and password>`. Encoding, checking, reading the answer,
// printing and documentation derive from it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "msgkit/core/result.hpp"

namespace msgkit::goip {

enum class command : std::uint8_t {
  get_gsm_num, set_gsm_num, get_exp_time, set_exp_time, get_remain_time, reset_remain_time, get_gsm_state,
  drop_call, reboot_module, reboot_device, call_forward, call_waiting, get_imei, set_imei,
  get_out_call_interval, set_out_call_interval, module_control, module_control_all, set_base_cell, get_cells_list,
  current_cell, gsm_info, status_flag, at_start, at_stop, at_alive, at_command,
};

enum class argument_kind : std::uint8_t {
  integer,  // low..high
  digits,   // low..high decimal digits
  number,   // a telephone number of low..high characters: optional '+', digits, '*', '#'
  word,     // low..high octets without space or control characters
};

struct argument_info {
  std::string_view name{};
  argument_kind kind{};
  std::int64_t low = 0;
  std::int64_t high = 0;
};

enum class reply_form : std::uint8_t {
  value,        // verb id value
  ok,           // verb id ok
  value_and_ok, // verb id value ok
  verbs,        // ok_verb id; state_verb id value
  block,        // GSM:id;name:value;...
};

constexpr std::size_t command_arguments_max = 4;

struct command_info {
  command what{};
  std::string_view verb{};
  bool password_last = true;  // behind the arguments; else right after the id
  std::array<argument_info, command_arguments_max> arguments{};
  std::size_t argument_count = 0;
  reply_form form{};
  std::string_view ok_verb{};     // with reply_form::verbs
  std::string_view error_verb{};  // beside ERROR, which every command may get
  std::string_view state_verb{};
  bool closed_by_done = false;    // the server ends the exchange with DONE
};

std::span<const command_info> command_table() noexcept;
// Null when there is none.
const command_info* find_command(std::string_view verb) noexcept;
const command_info& info_of(command c) noexcept;

// Errors: errc::invalid_argument with the argument's name.
result<void> check_arguments(const command_info& info, std::span<const std::string_view> arguments) noexcept;

// A command on the wire, from the server.
struct command_request {
  command what{};
  std::uint32_t send_id = 0;
  std::string_view password{};
  std::array<std::string_view, command_arguments_max> arguments{};
};

// The answer to a command, from the device. What it says depends on the command: see read_reply().
struct command_reply {
  std::string_view verb{};
  std::uint32_t send_id = 0;
  std::string_view text{};
};

enum class reply_kind : std::uint8_t {
  unrelated,  // not an answer to this command
  ok,         // done; `value` is what was asked for, or empty
  refused,    // `value` has the device's words
};
struct reply_reading {
  reply_kind kind{};
  std::string_view value{};
};
reply_reading read_reply(const command_info& info, const command_reply& reply) noexcept;

}  // namespace msgkit::goip
