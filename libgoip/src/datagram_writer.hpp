// Messages into datagrams: the visitors behind encode().
#pragma once

#include <charconv>

#include "datagram_head.hpp"
#include "field_reader.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/goip/codec.hpp"

namespace msgkit::goip {

// Appends; takes back everything when finish() finds that something was wrong.
class datagram_writer {
 public:
  explicit datagram_writer(byte_vector& out) noexcept : out_(out), start_(out.size()) {}

  void put(std::string_view text) { append(out_, text); }
  void put(char c) { out_.push_back(static_cast<std::uint8_t>(c)); }
  void put_number(std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    put(std::string_view(digits, end));
  }
  void fail(errc code, std::string_view name) noexcept {
    if (!fault_.code) fault_ = {make_error_code(code), name};
  }
  [[nodiscard]] result<void> finish() {
    if (!fault_.code && out_.size() - start_ > datagram_bytes_max) fail(errc::oversize, "datagram");
    if (!fault_.code) return {};
    out_.resize(start_);
    return fault_;
  }

 private:
  byte_vector& out_;
  std::size_t start_;
  fault fault_{};
};

class field_writer {
 public:
  explicit field_writer(datagram_writer& out) noexcept : out_(out) {}

  void text(std::string_view name, std::string_view value, std::size_t max, bool expected = false) {
    if (value.empty() && !expected) return;
    if (value.size() > max) out_.fail(errc::field_too_long, name);
    if (has_control(value) || value.find(';') != value.npos) out_.fail(errc::forbidden_character, name);
    begin(name);
    out_.put(value);
  }
  void integer(std::string_view name, const std::optional<std::int64_t>& value, std::int64_t low, std::int64_t high,
               bool = false) {
    if (!value) return;
    if (*value < low || *value > high) out_.fail(errc::invalid_number, name);
    begin(name);
    out_.put_number(*value);
  }
  void flag(std::string_view name, const std::optional<bool>& value, char yes, char no) {
    if (!value) return;
    begin(name);
    out_.put(*value ? yes : no);
  }
  void number_and_cause(std::string_view name, std::string_view number, std::string_view cause_name,
                        std::string_view cause) {
    if (number.find(',') != number.npos) out_.fail(errc::forbidden_character, name);
    if (cause.find(';') != cause.npos || has_control(cause)) out_.fail(errc::forbidden_character, cause_name);
    text(name, number, number_bytes_max, true);
    if (cause.empty()) return;
    out_.put(',');
    out_.put(cause_name);
    out_.put(':');
    out_.put(cause);
  }
  // Written last of all, whatever the members' order.
  void rest(std::string_view, std::string_view) noexcept {}

 private:
  void begin(std::string_view name) {
    out_.put(';');
    out_.put(name);
    out_.put(':');
  }
  datagram_writer& out_;
};

// Whether a message has a member of this name.
class name_finder {
 public:
  explicit name_finder(std::string_view name) noexcept : name_(name) {}
  template <class... More>
  void text(std::string_view name, const More&...) noexcept {
    found = found || name == name_;
  }
  template <class... More>
  void integer(std::string_view name, const More&...) noexcept {
    text(name);
  }
  template <class... More>
  void flag(std::string_view name, const More&...) noexcept {
    text(name);
  }
  template <class... More>
  void number_and_cause(std::string_view name, const More&...) noexcept {
    text(name);
  }
  template <class... More>
  void rest(std::string_view name, const More&...) noexcept {
    text(name);
  }
  bool found = false;

 private:
  std::string_view name_;
};

template <class T>
bool is_member(std::string_view name) noexcept {
  if (name == "id" || name == "pass" || name == "password") return true;
  const T nothing{};
  name_finder finder(name);
  T::fields(finder, nothing);
  return finder.found;
}

template <class T>
result<void> encode_fields(std::string_view verb, const T& m, byte_vector& out) {
  datagram_writer writer(out);
  field_writer fields(writer);
  writer.put(verb);
  writer.put(':');
  writer.put(m.number);
  if constexpr (has_credentials<T>) {
    constexpr std::string_view password_name = [] {
      if constexpr (requires { T::password_name; }) return T::password_name;
      else return std::string_view("password");
    }();
    fields.text("id", m.id, line_id_bytes_max, true);
    fields.text(password_name, m.password, password_bytes_max, true);
  }
  T::fields(fields, m);
  for (const auto& each : m.others)
    if (each.has_value && !is_member<T>(each.name)) fields.text(each.name, each.value, datagram_bytes_max, true);
  if constexpr (has_rest<T>) {
    if (!m.text.empty() || !std::same_as<T, other_notification>) {
      writer.put(";msg:");
      writer.put(m.text);
    }
  }
  if constexpr (requires { T::closing_semicolon; }) writer.put(';');
  return writer.finish();
}

class word_writer {
 public:
  explicit word_writer(datagram_writer& out) noexcept : out_(out) {}

  void number(std::string_view name, std::uint32_t value) {
    if (value > INT32_MAX) out_.fail(errc::invalid_number, name);
    out_.put(' ');
    out_.put_number(value);
  }
  void optional_number(std::string_view name, const std::optional<std::uint32_t>& value) {
    if (value) number(name, *value);
  }
  void word(std::string_view name, std::string_view value, std::size_t max) {
    if (value.empty()) out_.fail(errc::missing_field, name);
    if (value.size() > max) out_.fail(errc::field_too_long, name);
    if (has_control(value) || value.find(' ') != value.npos) out_.fail(errc::forbidden_character, name);
    out_.put(' ');
    out_.put(value);
  }
  void secret(std::string_view name, std::string_view value) {
    if (value.empty()) out_.put(' ');
    else word(name, value, password_bytes_max);
  }
  void counted_text(std::string_view name, std::string_view value, std::size_t max) {
    if (value.size() > max) out_.fail(errc::text_too_long, name);
    out_.put(' ');
    out_.put_number(static_cast<std::int64_t>(value.size()));
    out_.put(' ');
    out_.put(value);
  }
  void rest(std::string_view, std::string_view value) {
    if (value.empty()) return;
    out_.put(' ');
    out_.put(value);
  }

 private:
  datagram_writer& out_;
};

template <class T>
result<void> encode_words(const T& m, byte_vector& out) {
  datagram_writer writer(out);
  writer.put(T::verb);
  word_writer words(writer);
  T::fields(words, m);
  if (T::line_feed) writer.put('\n');
  return writer.finish();
}

}  // namespace msgkit::goip
