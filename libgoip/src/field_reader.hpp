// `name:value;` messages into their members, by name: the visitors behind parse_fields().
#pragma once

#include <charconv>
#include <concepts>

#include "datagram_head.hpp"
#include "msgkit/goip/codec.hpp"

namespace msgkit::goip {

template <class T>
constexpr bool has_credentials = [] {
  if constexpr (requires { T::has_credentials; }) return T::has_credentials;
  else return true;
}();
template <class T>
constexpr bool has_rest = requires(T m) { m.text; };

// Offers one received field to the members, in the order of their description.
class field_assigner {
 public:
  field_assigner(const field& f, std::uint64_t& seen, diagnostics* notes) noexcept
      : field_(f), seen_(seen), notes_(notes) {}

  void text(std::string_view name, std::string_view& out, std::size_t max, bool = false) noexcept {
    if (!take(name)) return;
    out = is_nothing() ? std::string_view{} : field_.value;
    if (out.size() <= max) return;
    out = out.substr(0, max);
    note(name, diagnostic_kind::field_too_long);
  }
  void integer(std::string_view name, std::optional<std::int64_t>& out, std::int64_t low, std::int64_t high,
               bool expected = false) noexcept {
    if (!take(name)) return;
    if (is_nothing() && !expected) return;
    std::int64_t value = 0;
    auto digits = field_.value;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto* end = digits.data() + digits.size();
    const auto [at, ec] = std::from_chars(digits.data(), end, value);
    if (ec == std::errc{} && at == end && value >= low && value <= high) out = value;
    else note(name, diagnostic_kind::invalid_value);
  }
  void flag(std::string_view name, std::optional<bool>& out, char, char) noexcept {
    if (!take(name) || is_nothing()) return;
    if (field_.value == "Y" || field_.value == "1") out = true;
    else if (field_.value == "N" || field_.value == "0") out = false;
    else note(name, diagnostic_kind::invalid_value);
  }
  void number_and_cause(std::string_view name, std::string_view& number, std::string_view,
                        std::string_view& cause) noexcept {
    constexpr std::string_view separator = ",cause:";
    if (!take(name)) return;
    const auto at = field_.value.find(separator);
    number = field_.value.substr(0, at);
    cause = at == field_.value.npos ? std::string_view{} : field_.value.substr(at + separator.size());
    if (cause.starts_with('"')) cause.remove_prefix(1);  // firmware leaves one behind
    if (cause.ends_with('"')) cause.remove_suffix(1);
    if (number.size() <= number_bytes_max) return;
    number = number.substr(0, number_bytes_max);
    note(name, diagnostic_kind::field_too_long);
  }
  void rest(std::string_view, std::string_view&) noexcept { ++index_; }

  // A member outside fields().
  bool take(std::string_view name) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << index_++;
    if (taken_ || field_.name != name) return false;
    taken_ = true;
    if ((seen_ & bit) != 0) note(name, diagnostic_kind::duplicate_field);
    const bool first = (seen_ & bit) == 0;
    seen_ |= bit;
    return first && field_.has_value;
  }
  // Two spellings of the member taken before.
  bool take_alias(std::string_view name) noexcept {
    --index_;
    return take(name);
  }

 private:
  [[nodiscard]] bool is_nothing() const noexcept {
    return field_.value.empty() || field_.value == "(null)" || field_.value == "<NULL>";
  }
  void note(std::string_view name, diagnostic_kind kind) noexcept {
    if (notes_ != nullptr) notes_->add(name, kind);
  }

  const field& field_;
  std::uint64_t& seen_;
  diagnostics* notes_;
  unsigned index_ = 0;
  bool taken_ = false;
};

// Notes the expected members that did not come. Visits in the same order as field_assigner.
class presence_checker {
 public:
  presence_checker(std::uint64_t seen, unsigned first, diagnostics& notes) noexcept
      : seen_(seen), index_(first), notes_(notes) {}
  template <class T>
  void text(std::string_view name, const T&, std::size_t, bool expected = false) noexcept {
    check(name, expected);
  }
  template <class T>
  void integer(std::string_view name, const T&, std::int64_t, std::int64_t, bool expected = false) noexcept {
    check(name, expected);
  }
  template <class T>
  void flag(std::string_view name, const T&, char, char) noexcept {
    check(name, false);
  }
  template <class T>
  void number_and_cause(std::string_view name, const T&, std::string_view, const T&) noexcept {
    check(name, true);
  }
  template <class T>
  void rest(std::string_view, const T&) noexcept {
    ++index_;
  }

 private:
  void check(std::string_view name, bool expected) noexcept {
    const bool is_there = (seen_ >> index_++ & 1) != 0;
    if (expected && !is_there) notes_.add(name, diagnostic_kind::missing_field);
  }
  std::uint64_t seen_;
  unsigned index_;
  diagnostics& notes_;
};

// The order is: id, password, then the members.
constexpr unsigned credential_count = 2;

inline result<void> check_credentials(const notification& m, std::string_view datagram) noexcept {
  const auto bad = [&](errc code, std::string_view name, std::string_view value) {
    const auto at = value.data() == nullptr ? datagram.size() : static_cast<std::size_t>(value.data() - datagram.data());
    return fault{make_error_code(code), name, at};
  };
  if (m.id.empty()) return bad(errc::missing_field, "id", m.id);
  if (m.id.size() > line_id_bytes_max) return bad(errc::field_too_long, "id", m.id);
  if (has_control(m.id)) return bad(errc::forbidden_character, "id", m.id);
  if (m.password.size() > password_bytes_max) return bad(errc::field_too_long, "password", m.password);
  if (has_control(m.password)) return bad(errc::forbidden_character, "password", m.password);
  return {};
}

template <class T>
result<void> parse_fields(std::string_view datagram, const datagram_head& head, T& m, diagnostics* notes) {
  constexpr std::string_view text_mark = ";msg:";
  m.number = head.number;
  auto list = head.rest;
  bool has_text = false;
  if constexpr (has_rest<T>) {
    // The first mark ends the fields: whatever follows belongs to the text, whoever wrote it.
    if (const auto at = list.find(text_mark); at != list.npos) {
      m.text = trim_end(list.substr(at + text_mark.size()));
      list = list.substr(0, at);
      has_text = true;
    }
  }
  if (!has_text) list = trim_end(list);
  m.others = field_list(list.substr(list.empty() ? 0 : 1));
  std::uint64_t seen = 0;
  for (const auto& each : m.others) {
    field_assigner assign(each, seen, notes);
    if (assign.take("id")) m.id = each.value;
    if (assign.take("password") || assign.take_alias("pass")) m.password = each.value;
    T::fields(assign, m);
  }
  if constexpr (has_credentials<T>)
    if (auto checked = check_credentials(m, datagram); !checked) return checked;
  if constexpr (has_rest<T> && !std::same_as<T, other_notification>)
    if (!has_text) return fault{make_error_code(errc::missing_field), "msg", datagram.size()};
  if (notes != nullptr) T::fields(presence_checker(seen, credential_count, *notes), m);
  return {};
}

}  // namespace msgkit::goip
