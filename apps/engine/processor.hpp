// Core and store together: one call is one batch of apply, commit, release. The engine thread and the simulator both
// drive this, so what is simulated is what runs. Not thread-safe, no clock of its own.
//
// When a commit fails nothing of the batch is released: every submit, report and cancel is refused with
// store_unavailable, results of attempts are kept, and the store is recovered from scratch with back-off between tries
// before anything is accepted again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core.hpp"
#include "engine/credit.hpp"
#include "engine/erasure.hpp"
#include "engine/message_filter.hpp"
#include "engine/opt_out_list.hpp"
#include "engine/pace_shares.hpp"
#include "engine/store.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {

struct processor_options {
  backoff_options recovery{.initial = std::chrono::milliseconds{200}, .maximum = std::chrono::seconds{30}};
  std::chrono::hours retention{30 * 24};  // settled messages older than this are removed; 0 keeps them for ever
  std::size_t purge_rows_max = 500;       // removed in one go
  std::shared_ptr<pace_shares> shares{};  // told of other instances' traffic, and tells them of ours; null: nobody asks
  std::uint64_t facts_max = 5'000'000;    // ids, keys and counters remembered; beyond it those that expire next go early
};

struct processor_observer {
  virtual ~processor_observer() = default;
  virtual void on_store_failed(std::string_view /*what*/) {}
  virtual void on_store_recovered(std::size_t /*active*/) {}
  virtual void on_corrupt(message_id, const fault&) {}
  virtual void on_adopted(std::size_t /*messages*/) {}  // of an instance that is gone
  virtual void on_committed(std::span<const record>) {}
};

class processor {
 public:
  processor(core_options options, processor_options more, std::shared_ptr<const route_table> routes, store& s,
            processor_observer* observer = nullptr);

  // Loads the active messages and settles what a crash left behind. Call once, first.
  // Errors: those of the store; nothing was accepted, the caller reports and exits.
  result<void> start(wall_time now);

  // One batch. Consumes the events; returns the actions that may now be carried out (valid until the next call).
  std::vector<action>& run(std::vector<event>& events, wall_time now);

  // When run() should be called although there is no event.
  [[nodiscard]] wall_time next_deadline() const noexcept;
  [[nodiscard]] bool store_faulted() const noexcept { return faulted_; }
  // Attempts whose result is not in the store yet, also while it fails; 0 when a stop would forget none.
  [[nodiscard]] std::size_t unsettled_attempts() const noexcept {
    return core_.in_flight() + in_flight_.size() + held_results_.size();
  }
  // From the store, so what it returns is durable. Errors: record_corrupt, store_failed (also while faulted).
  result<std::optional<message>> find(message_id id);
  // A slice of what the filter selects, before the id `before` (none: the newest), at most `limit` messages. Damaged rows
  // are left out. Errors: store_failed.
  result<message_slice> search(const message_filter& what, message_id before, std::size_t limit);
  // Removed since the start because they were old.
  struct removed {
    std::uint64_t messages = 0, facts = 0;
  };
  [[nodiscard]] const removed& purged() const noexcept { return purged_; }
  // Likewise: opt-outs of a pool in the order of their numbers, from the one after `after` on.
  result<std::vector<opt_out_entry>> opt_outs(std::string_view pool, std::string_view after, std::size_t limit);
  // Likewise: what was used, as of the last message that counted. `number` empty: of the whole account.
  result<usage_counter> usage(std::string_view account, std::string_view number);

  // Facts that the core does not know: what the gateway keeps beside the messages. `change` is given what is there now,
  // null for nothing, and returns what is to be there; nobody else changes it in between. Errors: store_failed; then
  // nothing is changed, or all of it.
  using fact_changer = std::function<std::optional<fact>(const fact* before)>;
  result<void> change_fact(const std::string& key, const fact_changer& change);
  using fact_list = std::vector<std::pair<std::string, fact>>;
  result<fact_list> facts(std::string_view prefix, std::string_view after, std::size_t limit);

  // Forgets a number (erasure.hpp): in those of the messages named that have ended; and in what is remembered of it beside
  // messages. An opt-out stays, without what it was given for. One transaction each, or one for some hundred pools.
  result<erasure_step> erase(std::string_view number, std::span<const message_id> ids);
  result<void> erase_remembered(const std::string& number);

  // What an account has paid before: as it is, and more of it (less, with a negative amount). A reference that has been
  // booked is not booked again; `is_conflict` when it was for another amount.
  struct top_up_result {
    credit_state credit{};
    bool is_repeated = false, is_conflict = false;
  };
  result<credit_state> credit(const std::string& account);
  result<top_up_result> top_up(const std::string& account, std::int64_t amount, const std::string& reference, wall_time now);

  [[nodiscard]] core& state() noexcept { return core_; }
  [[nodiscard]] const core& state() const noexcept { return core_; }

 private:
  bool look_up(std::vector<event>& events, wall_time now);
  fault broken(const fault& f);
  [[nodiscard]] bool is_shared() const { return store_.instance_number().has_value(); }
  [[nodiscard]] changes batch() const;
  bool commit_batch();
  action answer_from_store(const query& q);
  void fail(std::span<event> events, wall_time now);
  void run_faulted(std::vector<event>& events, wall_time now);
  void try_recover(wall_time now);
  result<void> reload(wall_time now);
  void purge(wall_time now);
  void purge_facts(wall_time now);
  void index_more(wall_time now);
  bool look_for_settlements(std::vector<event>& events, wall_time now);
  bool look_for_holds(std::vector<event>& events, wall_time now);
  result<void> share(wall_time now);
  [[nodiscard]] bool upkeep_is_due(wall_time now) const;
  void upkeep(wall_time now);
  void refuse_token(const event& e);

  processor_options options_;
  store& store_;
  processor_observer& observer_;
  core core_;
  removed purged_;
  std::vector<action> released_;
  std::vector<query> elsewhere_;  // asks about messages that are not active
  std::vector<std::string> keys_;  // of the facts this batch reads
  wall_time purge_at_{}, upkeep_at_{}, facts_at_{}, overdue_at_{}, share_at_{}, look_around_at_{}, index_at_{},
      settle_at_{}, sweep_at_{};
  std::string swept_{};  // holds up to this one have been looked at
  bool has_neighbours_ = false;

  // While faulted.
  bool faulted_ = false;
  bool is_broken_ = false;  // found between two batches; the next one says so
  std::uint32_t recovery_tries_ = 0;
  wall_time retry_at_{};
  std::vector<message_id> refused_ids_;   // must not survive in the store
  std::vector<attempt_ref> in_flight_;    // on the wire when the store failed
  std::vector<event> held_results_;       // what became of them since
};

}  // namespace msgkit::engine
