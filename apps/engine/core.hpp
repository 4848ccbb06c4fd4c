// The engine's heart: events in, changed messages and actions out. Deterministic: no clock, no randomness, no I/O, no
// threads. Whoever drives it commits the changes and only then releases the actions (see processor.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/events.hpp"
#include "engine/options.hpp"
#include "engine/policy.hpp"
#include "engine/rewrite.hpp"
#include "engine/routing.hpp"
#include "engine/store.hpp"

namespace msgkit::engine {

// An attempt whose result is outstanding.
struct attempt_ref {
  message_id id{};
  std::uint32_t attempt = 0;
  std::uint64_t link = 0;
};

enum class breaker_state : std::uint8_t { closed, half_open, open };

struct endpoint_view {
  std::string_view name;
  bool up = false;
  std::size_t links = 0;
  std::size_t capacity = 0, in_flight = 0, queued = 0;
  wall_time paused_until{};
  breaker_state breaker = breaker_state::closed;
  // Since start: parts of messages that its carriers or clients took, and what their reports said of them.
  std::uint64_t parts = 0;
  std::array<std::uint64_t, message_state_count> reported{};
};

// How messages of one account ended at one endpoint since start. Receipts are not counted.
struct traffic_view {
  std::string_view account, endpoint;  // the endpoint is empty for what never had one
  std::array<std::uint64_t, message_state_count> settled{};
};

struct core_stats {
  std::uint64_t submits = 0, refusals = 0, attempts = 0, retries = 0, results_stale = 0;
  std::uint64_t reports_applied = 0, reports_no_effect = 0, reports_unmatched = 0;
  std::uint64_t receipts_created = 0;
  std::uint64_t duplicates = 0;        // came again and were dropped
  std::uint64_t repeated_requests = 0; // answered from their idempotency key
  std::uint64_t limited = 0, blocked = 0, deferred = 0;
  std::uint64_t opt_out_blocked = 0;  // of the blocked: the recipient had opted out
  std::uint64_t opt_outs = 0, opt_ins = 0, replies = 0;
  std::uint64_t joins_begun = 0, joined = 0, incomplete = 0;  // long messages made of their parts; of some of them
  std::uint64_t breaker_opened = 0;
  std::uint64_t texts_erased = 0;
  std::uint64_t rewritten = 0, ended_by_rule = 0;  // on intake and for attempts; refused or dropped
  std::uint64_t credit_refused = 0, credit_settled = 0;      // messages
  std::uint64_t credit_charged = 0, credit_refunded = 0;     // amounts, see price_list.hpp
  std::uint64_t given_away = 0, taken_in = 0, reports_passed_on = 0;
  std::array<std::uint64_t, message_state_count> settled{};  // since start, by the state they ended in
  std::array<std::size_t, message_state_count> active{};     // now, by state
  std::size_t early_reports = 0;
  bool draining = false;
};

class core {
 public:
  core(core_options options, std::shared_ptr<const route_table> routes);
  ~core();
  core(core&&) noexcept;
  core& operator=(core&&) noexcept;

  // Before a batch: the keys of the facts that this event will read are added to `keys`. Those that exist are then given
  // by know(); what is not is taken for absent.
  void wants(const event& e, wall_time now, std::vector<std::string>& keys) const;
  void know(std::string_view key, fact&& f);

  // One batch: apply() any number of times, finish() once. Then records() is what must become durable and actions()
  // what may be released after that. committed() ends the batch. `now` should not step back; when it does, nothing
  // breaks, timers wait.
  void apply(const event& e, wall_time now);
  void finish(wall_time now);
  [[nodiscard]] std::span<const record> records() const noexcept;
  [[nodiscard]] std::span<const fact_change> facts() const noexcept;
  [[nodiscard]] std::vector<action>& actions() noexcept;
  void committed();

  // When finish() has something to do without any event; wall_time::max() for never, the epoch for now.
  [[nodiscard]] wall_time next_deadline() const noexcept;

  // Whether a query is for the store: its message is not active.
  [[nodiscard]] bool knows(message_id id) const noexcept { return find(id) != nullptr; }

  // Restart: load() each unsettled message in id order, then loaded(). A message found in `sending` whose attempt is in
  // `in_flight` stays there; another one is handled as `policy` says. Produces a batch of its own: finish() etc. follow.
  enum class sending_policy : std::uint8_t {
    attempt_unknown,  // the process died: apply unknown_policy
    attempt_not_sent, // we know that the attempt was never released: try again, nothing is counted
  };
  void load(message&& m);
  void loaded(wall_time now, std::span<const attempt_ref> in_flight, sending_policy policy, message_id last_id);

  // A message another instance left behind, which the store has made ours: as if found after a crash. Part of a batch.
  void adopt(message&& m, wall_time now);

  // Beside other instances on a shared store (docs/adr/0007). Messages for an endpoint without links here that has some
  // there are given away; reports that nothing here matches go to the others. hear() and adopt() are part of a batch.
  void set_neighbours(neighbourhood n);
  void hear(std::string_view note, wall_time now);
  [[nodiscard]] std::span<const handover> given() const noexcept;
  [[nodiscard]] std::span<const note> notes() const noexcept;
  [[nodiscard]] std::span<const presence> presences() const noexcept;
  // Every endpoint with links is told anew to the store by the current batch.
  void announce_links();

  // The batch could not be committed. Forgets every message but keeps endpoints and links; afterwards load() anew.
  // Returns the attempts that were on the wire before the batch began. `unanswered` receives the tokens of reports that
  // still wait for their message; requests answered in the batch are in actions(), which the caller takes first.
  std::vector<attempt_ref> abandon(std::vector<ingress_token>& unanswered);
  [[nodiscard]] bool has_link(std::uint64_t link) const noexcept;

  // Takes effect at the next routing decision; waiting messages are routed again.
  void set_routes(std::shared_ptr<const route_table> routes);
  // Null: no rules. Takes effect at the next event.
  void set_policy(std::shared_ptr<const policy> rules);
  // Null: none. Takes effect at once, also for what waits.
  void set_rewrites(std::shared_ptr<const rewrite_rules> rules);

  // Whether accounts may have credit; and whether messages with a price have ended since the last time it was asked.
  [[nodiscard]] bool has_prepaid() const noexcept;
  bool take_settlements() noexcept;
  // Another instance is to know this with the current batch.
  void announce(presence p);
  // The pools of the rules.
  [[nodiscard]] std::vector<std::string> pool_names() const;

  // Whether parts of messages may be waiting for the others.
  [[nodiscard]] bool joins_parts() const noexcept;

  [[nodiscard]] const core_stats& stats() const noexcept;
  [[nodiscard]] std::vector<endpoint_view> endpoints() const;
  [[nodiscard]] std::vector<traffic_view> traffic() const;
  // When the oldest message in the queue of an endpoint was accepted; wall_time::max() when none waits. Of a long queue
  // the first ten thousand of each priority are looked at.
  [[nodiscard]] wall_time oldest_queued(std::string_view endpoint) const;
  // Messages in memory. The pointer is valid until the next non-const call; null when the message is not active.
  [[nodiscard]] std::size_t active() const noexcept;
  [[nodiscard]] const message_progress* find(message_id id) const noexcept;
  [[nodiscard]] std::size_t in_flight() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// Whether the message is one that the query may ask about, and the answer.
bool is_asked_about(const query& q, const message& m);
query_done answer_to(const query& q, message_id id, const message_progress& p, content_ptr content, bool scheduled);

}  // namespace msgkit::engine
