// Stanzas on their way to the server, kept across streams until a barrier says that the server has read them.
//
//   outbox.push(stanza, cookie, wall_now);           // any time, connected or not; errc::queue_full is back-pressure
//   outbox.pump(session, wall_now);                  // after `open`, after events, whenever output was taken
//   outbox.on_event(event);                          // session's confirmed, lost and closed
//   while (auto o = outbox.next_outcome()) ...       // exactly one per accepted push
//
// After a lost stream everything unconfirmed goes out again, in order, under the same id and with its original time
// (XEP-0203), because nobody knows what the server has read: twice is possible then, never is not. One of those stanzas
// may be what broke the stream, so they go out one at a time; one that was in flight alone when the stream broke
// `poison_after` times ends with errc::quarantined, and the others go on.
// One outbox serves one session at a time, and is the only one to use its barriers. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <system_error>

#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/xmppcomp/session.hpp"

namespace msgkit::xmppcomp {

struct outbox_options {
  std::size_t entries_max = 10'000;
  std::size_t bytes_max = 16 * 1024 * 1024;   // of all entries as XML
  std::size_t window_entries = 2'000;         // written and unconfirmed
  std::size_t window_bytes = 1024 * 1024;
  std::size_t stanza_bytes_max = 255 * 1024;  // leave the session's limit room for a <delay/>, 200 octets
  std::size_t poison_after = 3;
  std::chrono::milliseconds delay_after{10'000};  // a message that waited longer carries its original time
};

struct outbox_outcome {
  std::uint64_t cookie = 0;
  std::error_code error{};  // empty: the server has read it; quarantined; or the reason given to abandon()
  std::error_code cause{};  // of quarantined: how the stream ended the last time
};

class outbox {
 public:
  // `domain` is the component's.
  explicit outbox(std::string domain, const outbox_options& options = {});

  // A message should have an id, by which its recipient recognises a repetition. Errors: those of check_outgoing();
  // stanza_too_large; queue_full.
  result<void> push(const element& stanza, std::uint64_t cookie, wall_time now);
  // Writes what the window and the session's output allow. Nothing happens while the session is not open.
  void pump(session& s, wall_time now);
  // Takes note of confirmed, lost and closed; other events are none of its business.
  void on_event(const event& e);
  // Ends every entry with `reason`.
  void abandon(std::error_code reason);
  std::optional<outbox_outcome> next_outcome();

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  // Entries that may have broken a stream and now go one at a time.
  [[nodiscard]] std::size_t suspects() const noexcept { return suspects_; }
  [[nodiscard]] const outbox_options& options() const noexcept { return options_; }

 private:
  struct entry {
    std::uint64_t cookie = 0;
    std::string xml;
    wall_time pushed{};
    std::uint32_t failures = 0;
    bool written_before = false;
    bool may_get_delay = false;  // a message without one
  };

  bool write(session& s, entry& e, wall_time now);
  void confirm_through(std::uint64_t sequence);
  void on_closed(std::error_code reason);
  void pop_front(std::error_code error, std::error_code cause = {});

  std::string domain_;
  outbox_options options_;
  std::deque<entry> entries_;       // the first in_flight_ are written and unconfirmed
  std::uint64_t first_sequence_ = 0;  // of entries_.front(); grows by one an entry
  std::size_t in_flight_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::size_t bytes_ = 0;
  std::size_t suspects_ = 0;
  std::deque<outbox_outcome> outcomes_;
};

}  // namespace msgkit::xmppcomp
