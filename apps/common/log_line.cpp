#include "common/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/json_writer.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

// Characters that move the cursor, end lines, or reorder what is shown.
bool is_dangerous(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0xFEFF;
}

void append_escape(std::string& out, char32_t c) {
  if (c == '\n') out += "\\n";
  else if (c == '\r') out += "\\r";
  else if (c == '\t') out += "\\t";
  else fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(c));
}

enum class ill_formed_as { replacement, octets };

void append_escaped(std::string& out, std::string_view text, ill_formed_as how) {
  const bool cut = text.size() > log_text_bytes_max;
  if (cut) text = text.substr(0, log_text_bytes_max);
  for (std::size_t i = 0; i < text.size();) {
    const auto start = i;
    bool ill_formed = false;
    const auto c = next_code_point(text, i, ill_formed);
    if (ill_formed && how == ill_formed_as::octets) {
      for (auto k = start; k < i; ++k)
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[k]));
    } else if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (is_dangerous(c)) {
      append_escape(out, c);
    } else {
      append_utf8(out, c);
    }
  }
  if (cut) out += "...";
}

bool is_bare(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

void append_value(std::string& out, log_format format, const log_value& value) {
  const auto text = [&](std::string_view v) {
    if (format == log_format::text && is_bare(v)) {
      out += v;
      return;
    }
    out += '"';
    format == log_format::json ? append_json_escaped(out, v) : append_text_escaped(out, v);
    out += '"';
  };
  std::visit(overloaded{[&](std::string_view v) { text(v); },
                        [&](std::error_code v) { text(v ? v.message() : "none"); },
                        [&](bool v) { out += v ? "true" : "false"; },
                        [&](double v) {
                          if (std::isfinite(v)) fmt::format_to(std::back_inserter(out), "{}", v);
                          else out += format == log_format::json ? "null" : "nan";
                        },
                        [&](auto v) { fmt::format_to(std::back_inserter(out), "{}", v); }},
             value.get());
}

}  // namespace

std::string_view to_string(log_level level) noexcept {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
  return names[static_cast<std::size_t>(level)];
}

void append_json_escaped(std::string& out, std::string_view text) {
  append_escaped(out, text, ill_formed_as::replacement);
}

void append_text_escaped(std::string& out, std::string_view text) { append_escaped(out, text, ill_formed_as::octets); }

void append_log_line(std::string& out, log_format format, wall_time at, log_level level, std::string_view component,
                     std::string_view message, log_fields fields) {
  if (format == log_format::text) {
    append_utc_time(out, at);
    fmt::format_to(std::back_inserter(out), " {:<5} {}: ", to_string(level), component);
    append_text_escaped(out, message);
    for (const auto& field : fields) {
      fmt::format_to(std::back_inserter(out), " {}=", field.name);
      append_value(out, format, field.value);
    }
    return;
  }
  out += "{\"time\":\"";
  append_utc_time(out, at);
  fmt::format_to(std::back_inserter(out), "\",\"level\":\"{}\",\"component\":\"{}\",\"message\":\"", to_string(level),
                 component);
  append_json_escaped(out, message);
  out += '"';
  for (const auto& field : fields) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":", field.name);
    append_value(out, format, field.value);
  }
  out += '}';
}

}  // namespace msgkit::app
