// JSON written straight into a string, where an answer is made often and its shape is known: no tree, no allocation but
// the string's own. What must be read, changed or sorted is nlohmann's, see json.hpp.
//
//   json_writer w(out);
//   w.begin_object().field("id", id).key("parts").begin_array().value(1).value(2).end_array().end_object();
//
// The caller opens, names and closes in a sensible order; nothing is checked. Not thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

// "2026-11-21T01:32:42.123Z"; years 0..9999.
void append_utc_time(std::string& out, wall_time at);

class json_writer {
 public:
  // Appends to `out`, which must outlive this.
  explicit json_writer(std::string& out) : out_(out) {}

  json_writer& begin_object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array() { return open('['); }
  json_writer& end_array() { return close(']'); }
  json_writer& key(std::string_view name) {  // a literal that needs no escapes
    separate();
    out_ += '"';
    out_ += name;
    out_ += "\":";
    is_first_ = true;  // the value follows without a comma
    return *this;
  }
  // Escaped as JSON has it; ill-formed UTF-8 becomes U+FFFD.
  json_writer& value(std::string_view text);
  json_writer& value(const char* text) { return value(std::string_view(text)); }
  json_writer& value(const std::string& text) { return value(std::string_view(text)); }
  json_writer& value(bool v) { return raw(v ? "true" : "false"); }
  template <std::integral T>
  requires(!std::same_as<T, bool>) json_writer& value(T v) { return raw(std::to_string(v)); }
  json_writer& value(wall_time at);  // null for the epoch, which stands for "never"
  json_writer& null() { return raw("null"); }

  template <class T>
  json_writer& field(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }

 private:
  void separate() {
    if (!is_first_) out_ += ',';
    is_first_ = false;
  }
  json_writer& raw(std::string_view text) {
    separate();
    out_ += text;
    return *this;
  }
  json_writer& open(char c) {
    separate();
    out_ += c;
    is_first_ = true;
    return *this;
  }
  json_writer& close(char c) {
    out_ += c;
    is_first_ = false;
    return *this;
  }

  std::string& out_;
  bool is_first_ = true;  // no comma before what comes next
};

}  // namespace msgkit::app
