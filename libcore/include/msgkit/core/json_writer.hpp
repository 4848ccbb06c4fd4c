// Writes JSON into a string: commas, escapes, and U+FFFD for whatever is not UTF-8, so the result always is.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit {

class json_writer {
 public:
  [[nodiscard]] std::string take() { return std::move(out_); }

  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }

  void key(std::string_view name) {
    separate();
    quote(name);
    out_ += ':';
    needs_comma_ = false;
  }
  void number(std::integral auto value) { write(std::to_string(value)); }
  void boolean(bool value) { write(value ? "true" : "false"); }
  void null() { write("null"); }
  void text(std::string_view value) {
    separate();
    quote(value);
  }
  void text_or_null(std::string_view value) {
    if (value.empty()) null();
    else text(value);
  }
  void hex(bytes_view value, std::string_view prefix = {}) {
    separate();
    out_ += '"';
    out_ += prefix;
    append_hex(out_, value);
    out_ += '"';
  }

 private:
  void separate() {
    if (needs_comma_) out_ += ',';
    needs_comma_ = true;
  }
  void write(std::string_view raw) {
    separate();
    out_ += raw;
  }
  void begin(char bracket) {
    separate();
    out_ += bracket;
    needs_comma_ = false;
  }
  void end(char bracket) {
    out_ += bracket;
    needs_comma_ = true;
  }

  void quote(std::string_view value) {
    out_ += '"';
    bool ill_formed = false;
    for (std::size_t i = 0; i < value.size();) escape(next_code_point(value, i, ill_formed));
    out_ += '"';
  }
  void escape(char32_t c) {
    switch (c) {
      case U'"': out_ += "\\\""; return;
      case U'\\': out_ += "\\\\"; return;
      case U'\n': out_ += "\\n"; return;
      case U'\r': out_ += "\\r"; return;
      case U'\t': out_ += "\\t"; return;
      default: break;
    }
    if (c >= 0x20 && c != 0x7F) return append_utf8(out_, c);
    const auto octet = static_cast<std::uint8_t>(c);
    out_ += "\\u00";
    append_hex(out_, bytes_view{&octet, 1});
  }

  std::string out_;
  bool needs_comma_ = false;
};

}  // namespace msgkit
