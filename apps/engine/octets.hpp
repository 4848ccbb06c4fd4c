// Writing and reading the compact stored forms: varints and length-prefixed strings. Private to the engine's codecs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/error.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::engine {

class octet_writer {
 public:
  explicit octet_writer(byte_vector& out) noexcept : out_(out) {}

  void octet(std::uint8_t v) { out_.push_back(v); }
  void number(std::uint64_t v) {  // seven bits an octet, lowest first
    std::uint8_t octets[10];
    std::size_t n = 0;
    while (v >= 0x80) {
      octets[n++] = static_cast<std::uint8_t>(v | 0x80);
      v >>= 7;
    }
    octets[n++] = static_cast<std::uint8_t>(v);
    out_.insert(out_.end(), octets, octets + n);
  }
  void signed_number(std::int64_t v) {
    number(static_cast<std::uint64_t>(v) << 1 ^ static_cast<std::uint64_t>(v >> 63));
  }
  void time(wall_time t) { signed_number(t.time_since_epoch().count()); }
  // Times of one message lie close together; the epoch ("none") stays 0.
  void time(wall_time t, wall_time base) {
    if (t == wall_time{}) return number(0);
    const auto delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(t.time_since_epoch().count()) -
                                                 static_cast<std::uint64_t>(base.time_since_epoch().count()));
    number((static_cast<std::uint64_t>(delta) << 1 ^ static_cast<std::uint64_t>(delta >> 63)) + 1);
  }
  void string(std::string_view s) {
    number(s.size());
    append(out_, s);
  }
  void string(bytes_view b) { string(as_text(b)); }

 private:
  byte_vector& out_;
};

// After the first problem every read gives zero or empty, and failed() says so: callers check once at the end.
class octet_reader {
 public:
  explicit octet_reader(bytes_view in) noexcept : in_(in) {}

  std::uint8_t octet(std::string_view field) {
    if (at_ >= in_.size()) return fail(field), std::uint8_t{0};
    return in_[at_++];
  }
  std::uint64_t number(std::string_view field, std::uint64_t max = UINT64_MAX) {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ >= in_.size()) return fail(field), 0;
      const std::uint8_t o = in_[at_++];
      if (shift == 63 && o > 1) break;
      v |= static_cast<std::uint64_t>(o & 0x7F) << shift;
      if (o < 0x80) return v <= max ? v : (fail(field), 0);
    }
    return fail(field), 0;
  }
  std::int64_t signed_number(std::string_view field) { return unfold(number(field)); }
  std::uint32_t number32(std::string_view field) { return static_cast<std::uint32_t>(number(field, UINT32_MAX)); }
  wall_time time(std::string_view field) { return wall_time{std::chrono::milliseconds{unfold(number(field))}}; }
  wall_time time(std::string_view field, wall_time base) {
    const std::uint64_t v = number(field);
    if (v == 0) return {};
    const auto ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(base.time_since_epoch().count()) +
                                              static_cast<std::uint64_t>(unfold(v - 1)));
    return wall_time{std::chrono::milliseconds{ms}};
  }
  std::string_view string(std::string_view field, std::size_t max) {
    const std::uint64_t size = number(field, max);
    if (failed_ || size > in_.size() - at_) return fail(field), std::string_view{};
    const auto s = as_text(in_.subspan(at_, static_cast<std::size_t>(size)));
    at_ += static_cast<std::size_t>(size);
    return s;
  }
  template <class Enum>
  Enum enumeration(std::string_view field, std::size_t count) {
    const std::uint8_t v = octet(field);
    if (v >= count) fail(field);
    return v < count ? static_cast<Enum>(v) : Enum{};
  }

  void fail(std::string_view field) noexcept {
    if (failed_) return;
    failed_ = true;
    field_ = field;
    failed_at_ = at_;
    at_ = in_.size();
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == in_.size(); }
  [[nodiscard]] fault error() const noexcept {
    return fault{make_error_code(errc::record_corrupt), field_, failed_at_};
  }

 private:
  static std::int64_t unfold(std::uint64_t v) noexcept {
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
  }
  bytes_view in_;
  std::size_t at_ = 0, failed_at_ = 0;
  bool failed_ = false;
  std::string_view field_{};
};

}  // namespace msgkit::engine
