// `VERB <id> <argument> ...` messages into their members, in order.
#pragma once

#include <algorithm>
#include <charconv>

#include "datagram_head.hpp"
#include "msgkit/goip/codec.hpp"

namespace msgkit::goip {

class word_reader {
 public:
  // `rest` is what follows the number, untrimmed: a counted text may end in a line feed of its own.
  word_reader(std::string_view datagram, const datagram_head& head) noexcept
      : datagram_(datagram), raw_(head.rest), number_(head.number) {}

  // The first one of every message is the number after the verb.
  void number(std::string_view name, std::uint32_t& out) noexcept {
    const auto digits = std::exchange(is_first_, false) ? number_ : next_word();
    if (fault_.code) return;
    const auto value = to_send_id(digits);
    if (value) out = *value;
    else fail(errc::invalid_number, name);
  }
  void optional_number(std::string_view name, std::optional<std::uint32_t>& out) noexcept {
    const auto digits = next_word();
    if (fault_.code || digits.empty()) return;
    if (const auto value = to_send_id(digits)) out = *value;
    else fail(errc::invalid_number, name);
  }
  void word(std::string_view name, std::string_view& out, std::size_t max) noexcept {
    out = next_word();
    if (out.empty()) fail(errc::missing_field, name);
    else if (out.size() > max) fail(errc::field_too_long, name);
  }
  void secret(std::string_view name, std::string_view& out) noexcept {
    out = next_word();
    if (out.size() > password_bytes_max) fail(errc::field_too_long, name);
  }
  void counted_text(std::string_view name, std::string_view& out, std::size_t max) noexcept {
    const auto digits = next_word();
    const auto length = to_send_id(digits);
    if (fault_.code) return;
    if (!length) return fail(errc::invalid_number, name);
    if (*length > max) return fail(errc::text_too_long, name);
    if (!raw_.starts_with(' ')) return fail(errc::length_mismatch, name);
    const auto text = raw_.substr(1);
    if (*length > text.size() || !trim_end(text.substr(*length)).empty()) return fail(errc::length_mismatch, name);
    out = text.substr(0, *length);
    raw_ = {};
  }
  void rest(std::string_view, std::string_view& out) noexcept {
    if (raw_.starts_with(' ')) raw_.remove_prefix(1);
    out = trim_end(raw_);
    raw_ = {};
  }

  // Errors: what came up, or octets behind the last argument.
  [[nodiscard]] result<void> finish() noexcept {
    if (!fault_.code && !trim_end(raw_).empty() && !only_spaces(trim_end(raw_))) fail(errc::forbidden_character, "end");
    if (fault_.code) return fault_;
    return {};
  }

 private:
  static bool only_spaces(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return c == ' '; });
  }
  // Empty at the end of the message.
  std::string_view next_word() noexcept {
    if (!raw_.starts_with(' ')) return {};
    auto text = raw_.substr(1);
    const auto end = std::min(text.find_first_of(std::string_view(" \r\n\0", 4)), text.size());
    raw_ = text.substr(end);
    return text.substr(0, end);
  }
  void fail(errc code, std::string_view name) noexcept {
    if (!fault_.code) fault_ = {make_error_code(code), name, datagram_.size() - raw_.size()};
  }

  std::string_view datagram_;
  std::string_view raw_;
  std::string_view number_;
  fault fault_{};
  bool is_first_ = true;
};

template <class T>
result<void> parse_words(std::string_view datagram, const datagram_head& head, T& m) {
  word_reader reader(datagram, head);
  T::fields(reader, m);
  return reader.finish();
}

}  // namespace msgkit::goip
