// The text of one log line, apart from where it goes.
#pragma once

#include <chrono>
#include <string>

#include "common/log.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

constexpr std::size_t log_text_bytes_max = 4096;  // a longer message or value is cut there and ends in "..."

// Appends the line without its line break.
//   text:  2026-11-21T01:32:42.123Z info  smpp: bound system_id=acme peer="10.0.0.1:4711"
//   json:  {"time":"...","level":"info","component":"smpp","message":"bound","system_id":"acme",...}
void append_log_line(std::string& out, log_format format, wall_time at, log_level level, std::string_view component,
                     std::string_view message, log_fields fields);

// JSON string contents: quotes, backslash, C0, C1 and bidirectional controls escaped, ill-formed UTF-8 as U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);
// For terminals: the same characters escaped, ill-formed octets as \xNN.
void append_text_escaped(std::string& out, std::string_view text);

}  // namespace msgkit::app
