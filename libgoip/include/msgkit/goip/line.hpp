// A line: one SIM of a device, with an id, a password and a UDP endpoint of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"
#include "msgkit/goip/endpoint.hpp"

namespace msgkit::goip {

// Names a line of a session; never used again after its line was removed.
enum class line_key : std::uint64_t {};

enum class send_mode : std::uint8_t {
  bulk,    // MSG ... DONE, the documented way
  single,  // one SMS datagram, never repeated, because a repetition might send twice
};

struct line_options {
  std::string id{};        // 1..64 octets without control characters and ';'
  std::string password{};  // 0..64 octets, the same, and without space, which would shift a command's arguments
  bool enabled = true;     // a disabled line is not answered and sends nothing
  // Which sources may speak for the line; all when empty.
  std::function<bool(const endpoint&)> source_allowed{};
  send_mode mode = send_mode::bulk;
  std::chrono::milliseconds pacing{3'000};  // between the end of one SMS and the beginning of the next
  std::size_t queue_max = 1'000;            // SMS waiting, 0 allows only what can start at once
  std::chrono::milliseconds queue_timeout{std::chrono::hours{1}};  // an SMS that waits longer is given back
};

enum class line_state : std::uint8_t {
  unknown,          // no keepalive yet
  online,           // registered, and on the GSM network as far as it says
  no_gsm,           // registered, gsm_status LOGOUT
  module_disabled,  // registered, its radio module is switched off
  dead,             // no keepalive for dead_after
};
std::string_view to_string(line_state s) noexcept;

// What the last keepalives said. Absent and unreadable values are empty.
struct line_status {
  line_state state = line_state::unknown;
  goip::endpoint endpoint{};  // where commands go; not set before the first keepalive
  time_point last_keepalive{};
  std::int64_t keepalive_count = 0;
  std::string msisdn{};       // kept when a later keepalive leaves it empty
  std::optional<std::int64_t> signal{};  // 0..31
  std::string gsm_status{}, voip_status{}, voip_state{};
  std::optional<std::int64_t> remain_time{};  // minutes, -1 without limit
  std::string imei{}, imsi{}, iccid{}, provider{};
  std::optional<std::int64_t> idle{};
  std::optional<bool> module_disabled{}, sms_login{}, gprs_attached{};
  std::string cell_info{};
  std::string call_state{};   // of STATE
};

// dBm of a signal value: 2 * signal - 113.
constexpr std::int64_t signal_dbm(std::int64_t signal) noexcept { return 2 * signal - 113; }

}  // namespace msgkit::goip
