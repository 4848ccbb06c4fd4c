#include "engine/message_id.hpp"

#include <algorithm>

#include "engine/error.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {
namespace {

constexpr std::int64_t epoch_ms = 1'577'836'800'000;  // 2020-01-01T00:00:00Z
constexpr unsigned counter_bits = 12, instance_bits = 10, low_bits = counter_bits + instance_bits;
constexpr std::uint64_t counter_max = (1u << counter_bits) - 1;
constexpr std::uint64_t ms_max = (std::uint64_t{1} << 41) - 1;
constexpr std::size_t hyphens[] = {8, 13, 18, 23};

std::uint64_t ms_since_epoch(wall_time at) noexcept {
  const std::int64_t ms = at.time_since_epoch().count();
  return ms <= epoch_ms ? 0 : std::min(static_cast<std::uint64_t>(ms - epoch_ms), ms_max);
}

// RFC 9562 section 5.7: 48 bits of Unix time, version 7, 12 bits rand_a, variant 2, 62 bits rand_b. The key's low bits
// fill rand_a and the head of rand_b so that text sorts as keys do; a hash of the key fills the rest.
struct uuid {
  std::uint64_t high, low;
  friend bool operator==(const uuid&, const uuid&) = default;
};
uuid uuid_of(std::uint64_t key) noexcept {
  const std::uint64_t unix_ms = (key >> low_bits) + static_cast<std::uint64_t>(epoch_ms);
  const std::uint64_t low = key & ((1u << low_bits) - 1);
  return {unix_ms << 16 | 0x7000 | low >> 10,
          std::uint64_t{2} << 62 | (low & 0x3FF) << 52 | mix(key) >> 12};
}
std::uint64_t key_of(const uuid& u) noexcept {
  const std::uint64_t ms = (u.high >> 16) - static_cast<std::uint64_t>(epoch_ms);
  return (ms & ms_max) << low_bits | (u.high & 0xFFF) << 10 | (u.low >> 52 & 0x3FF);
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

wall_time message_id::time() const noexcept {
  return wall_time{std::chrono::milliseconds{static_cast<std::int64_t>(key_ >> low_bits) + epoch_ms}};
}

std::string message_id::text() const {
  const uuid u = uuid_of(key_);
  std::string out;
  out.reserve(36);
  for (unsigned digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out.push_back('-');
    const std::uint64_t half = digit < 16 ? u.high : u.low;
    out.push_back("0123456789abcdef"[half >> (60 - 4 * (digit % 16)) & 15]);
  }
  return out;
}

result<message_id> message_id::parse(std::string_view text) {
  if (text.size() != 36) return fault{make_error_code(errc::malformed_id), "id", text.size()};
  uuid u{0, 0};
  unsigned digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::ranges::find(hyphens, i) != std::end(hyphens)) {
      if (text[i] != '-') return fault{make_error_code(errc::malformed_id), "id", i};
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return fault{make_error_code(errc::malformed_id), "id", i};
    auto& half = digits++ < 16 ? u.high : u.low;
    half = half << 4 | static_cast<std::uint64_t>(value);
  }
  const std::uint64_t key = key_of(u);
  if (key == 0 || uuid_of(key) != u) return fault{make_error_code(errc::foreign_id), "id"};
  return message_id{key};
}

message_id id_source::next(wall_time now) noexcept {
  const std::uint64_t fresh = ms_since_epoch(now) << low_bits | std::uint64_t{instance_} << counter_bits;
  if (fresh > last_) {
    last_ = fresh;
  } else if ((last_ & counter_max) < counter_max && (last_ >> counter_bits & instance_max) == instance_) {
    ++last_;
  } else {  // the counter is used up, or the last id is another instance's: borrow the next millisecond
    last_ = ((last_ >> low_bits) + 1) << low_bits | std::uint64_t{instance_} << counter_bits;
  }
  return message_id{last_};
}

void id_source::advance_past(message_id used) noexcept { last_ = std::max(last_, used.key()); }

message_id first_id_at(wall_time at) noexcept { return message_id{ms_since_epoch(at) << low_bits}; }

}  // namespace msgkit::engine
