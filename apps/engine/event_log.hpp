// The trace of one message, kept encoded: it is written with every change of the message and read hardly ever.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::engine {

// The numbers are stored; append only.
enum class event_kind : std::uint8_t {
  accepted,          // detail: account
  attempt,           // handed to `endpoint`
  attempt_sent,      // the next hop took it; detail: its id
  attempt_failed,    // temporary; will be retried or given up
  attempt_rejected,  // permanent
  attempt_throttled, // the endpoint asked us to slow down
  attempt_unknown,   // sent, but the answer was lost
  attempt_not_sent,  // taken back before it reached the wire
  report,            // carrier's report; detail: state and its text
  delivered,
  undelivered,
  expired,
  rejected,
  canceled,
  unknown,
  receipt_created,   // detail: id of the receipt message
  recovered,         // found in `sending` after a restart
  replaced,          // the account gave it another content
  duplicate,         // it came again, was acknowledged and dropped
  deferred,          // waits for the end of quiet hours
  blocked,           // its recipient opted out while it waited
  joined,            // made of the parts of a long message; code: how many
  moved,             // to another instance
  rewritten,         // by rules; detail: their names; endpoint: for whom, empty on intake
};
constexpr std::size_t event_kind_count = 24;
std::string_view name(event_kind kind) noexcept;

struct message_event {
  wall_time at{};
  event_kind kind = event_kind::accepted;
  std::uint32_t attempt = 0;  // 0 when it belongs to no attempt
  std::uint32_t code = 0;
  std::string endpoint;       // cut to 255 octets
  std::string detail;         // cut to 255 octets
  friend bool operator==(const message_event&, const message_event&) = default;
};

// At most `events_max` entries: when one more arrives the second oldest goes, so the beginning and the latest stay.
class event_log {
 public:
  static constexpr std::size_t events_max = 32;

  void add(wall_time at, event_kind kind, std::uint32_t attempt, std::uint32_t code, std::string_view endpoint,
           std::string_view detail);
  [[nodiscard]] std::vector<message_event> entries() const;
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::uint32_t dropped() const noexcept { return dropped_; }

  // The stored form. Errors of decode: errc::record_corrupt.
  [[nodiscard]] bytes_view encoded() const noexcept { return octets_; }
  static result<event_log> decode(bytes_view octets, std::uint32_t dropped);

  friend bool operator==(const event_log&, const event_log&) = default;

 private:
  byte_vector octets_;
  std::uint32_t count_ = 0;
  std::uint32_t dropped_ = 0;
};

}  // namespace msgkit::engine
