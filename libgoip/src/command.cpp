#include "msgkit/goip/command.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/goip/errc.hpp"
#include "msgkit/goip/limits.hpp"

namespace msgkit::goip {
namespace {

using enum argument_kind;
constexpr std::int64_t any = INT32_MAX;

constexpr command_info table[] = {
    {.what = command::get_gsm_num, .verb = "get_gsm_num", .form = reply_form::value},
    {.what = command::set_gsm_num, .verb = "set_gsm_num",
     .arguments = {{{"number", number, 1, number_bytes_max}}}, .argument_count = 1, .form = reply_form::value_and_ok},
    {.what = command::get_exp_time, .verb = "get_exp_time", .form = reply_form::value},
    {.what = command::set_exp_time, .verb = "set_exp_time",
     .arguments = {{{"minutes", integer, -1, any}}}, .argument_count = 1, .form = reply_form::value_and_ok},
    {.what = command::get_remain_time, .verb = "get_remain_time", .form = reply_form::value},
    {.what = command::reset_remain_time, .verb = "reset_remain_time", .form = reply_form::ok},
    {.what = command::get_gsm_state, .verb = "get_gsm_state", .form = reply_form::value},
    {.what = command::drop_call, .verb = "svr_drop_call", .form = reply_form::ok},
    {.what = command::reboot_module, .verb = "svr_reboot_module", .form = reply_form::ok},
    {.what = command::reboot_device, .verb = "svr_reboot_dev", .form = reply_form::ok},
    {.what = command::call_forward, .verb = "CF", .password_last = false,
     // reason: 0 unconditional, 1 busy, 2 no reply, 3 unreachable, 4 all, 5 all conditional
     // mode: 0 disable, 1 enable, 2 query, 3 register, 4 erase
     .arguments = {{{"reason", integer, 0, 5}, {"mode", integer, 0, 4}, {"number", number, 1, number_bytes_max},
                    {"seconds", integer, 0, 3600}}},
     .argument_count = 4, .form = reply_form::verbs, .ok_verb = "CFOK", .error_verb = "CFERROR",
     .state_verb = "CFSTATE", .closed_by_done = true},
    {.what = command::call_waiting, .verb = "CW", .password_last = false,
     .arguments = {{{"mode", integer, 0, 2}}}, .argument_count = 1, .form = reply_form::verbs, .ok_verb = "CWOK",
     .error_verb = "CWERROR", .state_verb = "CWSTATE", .closed_by_done = true},
    {.what = command::get_imei, .verb = "get_imei", .form = reply_form::value},
    {.what = command::set_imei, .verb = "set_imei",
     .arguments = {{{"imei", digits, 15, 15}}}, .argument_count = 1, .form = reply_form::value_and_ok},
    {.what = command::get_out_call_interval, .verb = "get_out_call_interval", .form = reply_form::value},
    {.what = command::set_out_call_interval, .verb = "set_out_call_interval",
     .arguments = {{{"seconds", integer, 0, any}}}, .argument_count = 1, .form = reply_form::ok},
    // The interface document says 1 enable, 2 disable; the vendor's own pages send 0 to disable.
    {.what = command::module_control, .verb = "module_ctl_i",
     .arguments = {{{"value", integer, 0, 2}}}, .argument_count = 1, .form = reply_form::ok},
    // One digit for each channel: 1 on, 0 off, 2 as it is.
    {.what = command::module_control_all, .verb = "module_ctl",
     .arguments = {{{"channels", digits, 1, 64}}}, .argument_count = 1, .form = reply_form::ok},
    {.what = command::set_base_cell, .verb = "set_base_cell",
     .arguments = {{{"cell", word, 1, 32}}}, .argument_count = 1, .form = reply_form::value_and_ok},
    {.what = command::get_cells_list, .verb = "get_cells_list", .form = reply_form::ok},
    {.what = command::current_cell, .verb = "CURCELL", .form = reply_form::value},
    {.what = command::gsm_info, .verb = "GSM", .form = reply_form::block, .error_verb = "GSMERROR"},
    {.what = command::status_flag, .verb = "status_flag",
     .arguments = {{{"value", integer, 0, 1}}}, .argument_count = 1, .form = reply_form::ok},
    {.what = command::at_start, .verb = "ATSTART", .form = reply_form::ok},
    {.what = command::at_stop, .verb = "ATSTOP", .form = reply_form::ok},
    {.what = command::at_alive, .verb = "ATALIVE", .form = reply_form::ok},
    {.what = command::at_command, .verb = "ATCMD",
     .arguments = {{{"command", word, 1, 256}}}, .argument_count = 1, .form = reply_form::ok},
};

constexpr bool table_is_indexed_by_command() {
  std::size_t i = 0;
  for (const auto& row : table)
    if (static_cast<std::size_t>(row.what) != i++) return false;
  return true;
}
static_assert(table_is_indexed_by_command());

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word_octet(char c) noexcept { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; }

bool fits(const argument_info& info, std::string_view value) noexcept {
  const auto size = static_cast<std::int64_t>(value.size());
  const auto sized = size >= info.low && size <= info.high;
  switch (info.kind) {
    case integer: {
      std::int64_t n = 0;
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), n);
      return ec == std::errc{} && end == value.data() + value.size() && n >= info.low && n <= info.high;
    }
    case digits: return sized && std::ranges::all_of(value, is_digit);
    case number: {
      auto rest = value.substr(value.starts_with('+') ? 1 : 0);
      const auto is_dialable = [](char c) { return is_digit(c) || c == '*' || c == '#'; };
      return sized && !rest.empty() && std::ranges::all_of(rest, is_dialable);
    }
    case word: return sized && std::ranges::all_of(value, is_word_octet);
  }
  return false;
}

// "ok" in whatever case, alone or behind a value.
bool ends_in_ok(std::string_view text, std::string_view& value) noexcept {
  if (text.size() < 2) return false;
  const auto tail = text.substr(text.size() - 2);
  if ((tail[0] | 0x20) != 'o' || (tail[1] | 0x20) != 'k') return false;
  value = text.substr(0, text.size() - 2);
  if (value.empty()) return true;
  if (value.back() != ' ') return false;
  value.remove_suffix(1);
  return true;
}

}  // namespace

std::span<const command_info> command_table() noexcept { return table; }

const command_info* find_command(std::string_view verb) noexcept {
  const auto* found = std::ranges::find(table, verb, &command_info::verb);
  return found == std::end(table) ? nullptr : found;
}

const command_info& info_of(command c) noexcept { return table[static_cast<std::size_t>(c)]; }

result<void> check_arguments(const command_info& info, std::span<const std::string_view> arguments) noexcept {
  const auto bad = [](std::string_view name) { return fault{make_error_code(errc::invalid_argument), name}; };
  for (std::size_t i = 0; i < info.argument_count; ++i)
    if (i >= arguments.size() || !fits(info.arguments[i], arguments[i])) return bad(info.arguments[i].name);
  for (std::size_t i = info.argument_count; i < arguments.size(); ++i)
    if (!arguments[i].empty()) return bad("arguments");
  return {};
}

reply_reading read_reply(const command_info& info, const command_reply& reply) noexcept {
  if (reply.verb == "ERROR" || (!info.error_verb.empty() && reply.verb == info.error_verb))
    return {reply_kind::refused, reply.text};
  if (info.form == reply_form::verbs) {
    const bool mine = reply.verb == info.ok_verb || reply.verb == info.state_verb;
    return {mine ? reply_kind::ok : reply_kind::unrelated, reply.text};
  }
  if (reply.verb != info.verb) return {};
  std::string_view value;
  switch (info.form) {
    case reply_form::value: return {reply_kind::ok, reply.text};
    case reply_form::ok:
    case reply_form::value_and_ok:
      if (ends_in_ok(reply.text, value)) return {reply_kind::ok, value};
      return {reply_kind::refused, reply.text};
    case reply_form::block: return {reply_kind::ok, reply.text};
    case reply_form::verbs: break;
  }
  return {};
}

}  // namespace msgkit::goip
