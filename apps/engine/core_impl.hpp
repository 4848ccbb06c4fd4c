// Private to the core: its state and the steps it is made of. Defined across core_*.cpp by theme.
#pragma once

#include <array>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/carrier_id.hpp"
#include "engine/core.hpp"
#include "engine/credit.hpp"
#include "engine/entry.hpp"
#include "engine/quality.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {

constexpr std::size_t priority_count = 4;
// Work of one batch that no event asked for is cut into slices, so that a million due messages do not stall the rest.
constexpr std::size_t due_per_batch_max = 4'096;
constexpr std::size_t reroutes_per_batch_max = 4'096;
// Finding messages by their numbers looks at all of them; who asks for more is told to slow down.
constexpr std::size_t searches_per_batch_max = 1;

// Messages we make by ourselves say so in their account.
constexpr std::string_view our_prefix = "care:";
inline std::string our_account(const number_pool& pool) { return std::string{our_prefix}.append(pool.name); }
inline bool is_ours(const message_content& c) { return c.account.starts_with(our_prefix); }

struct link {
  std::uint64_t id = 0;
  sink_id sink = 0;
  std::uint32_t capacity = 0, in_flight = 0;
};

// A report that came before the submit answer it belongs to.
struct early_report {
  report what;
  std::string normal;
  std::uint64_t hash = 0;
  std::uint64_t order = 0;    // of arrival
  std::uint64_t barrier = 0;  // attempts up to this one may still turn out to be meant
  wall_time expires{};
};

struct text_hash : std::hash<std::string_view> {
  using is_transparent = void;
};
using traffic_by_account =
    std::unordered_map<std::string, std::array<std::uint64_t, message_state_count>, text_hash, std::equal_to<>>;

// Endpoints are made by configuration (routes, accounts), never by what a peer sends, so their number is bounded there.
struct endpoint {
  std::string name;
  const endpoint_options* options = nullptr;
  std::vector<link> links;
  std::size_t cursor = 0;  // links take turns
  std::array<entry_list, priority_count> ready;
  entry_list in_flight;    // oldest attempt first
  wall_time paused_until{};
  std::chrono::milliseconds pause{0};  // the latest one; doubles while throttling lasts
  std::list<early_report> early;
  std::unordered_multimap<std::uint64_t, std::list<early_report>::iterator> early_by_hash;
  bool to_pump = false, presence_changed = false;

  std::uint64_t parts = 0;
  std::array<std::uint64_t, message_state_count> reported{};
  traffic_by_account traffic;
  quality_record quality;

  breaker_state breaker = breaker_state::closed;
  std::uint32_t failures_in_a_row = 0, times_open = 0;
  wall_time broken_until{};

  std::uint32_t tries = 1;
  const std::vector<std::uint32_t>* elsewhere = nullptr;  // instances that have links

  // Half open it takes as many as are to show whether it works again.
  [[nodiscard]] bool up() const noexcept {
    return !links.empty() && (breaker == breaker_state::closed ||
                              (breaker == breaker_state::half_open && in_flight.size + queued() < tries));
  }
  [[nodiscard]] std::size_t queued() const noexcept {
    std::size_t n = 0;
    for (const auto& l : ready) n += l.size;
    return n;
  }
  link* find_link(std::uint64_t id) noexcept {
    for (auto& l : links)
      if (l.id == id) return &l;
    return nullptr;
  }
};

struct core::impl {
  impl(core_options o, std::shared_ptr<const route_table> r)
      : options(std::move(o)), routes(std::move(r)), ids(options.instance) {}

  core_options options;
  std::shared_ptr<const route_table> routes;
  std::shared_ptr<const policy> rules;
  std::shared_ptr<const rewrite_rules> rewrites;
  std::uint32_t rewrites_number = 0;  // grows when they change
  id_source ids;
  core_stats stats;
  traffic_by_account unrouted;
  bool draining = false;
  std::uint64_t attempt_order = 0, early_order = 0;

  std::unordered_map<message_id, entry> entries;
  std::unordered_map<std::string_view, std::unique_ptr<endpoint>> endpoint_by_name;  // keys view into the endpoints
  std::vector<endpoint*> endpoints;                                                  // in order of appearance
  std::unordered_map<std::uint64_t, endpoint*> endpoint_of_link;
  struct correlation {
    entry* e;
    std::uint16_t segment;
  };
  std::unordered_multimap<std::uint64_t, correlation> correlations;  // by correlation_hash
  deadline_heap deadlines;
  entry_list rerouting;  // waited for an endpoint that is down, while another may be up

  // Of the current batch.
  std::vector<entry*> dirty, touched;
  std::vector<endpoint*> to_pump, waking;  // waking: paused, or holding early reports
  std::vector<record> records;
  std::vector<action> actions;
  std::vector<attempt_ref> started, ended;
  std::size_t searches = 0;  // through all messages

  struct known_fact {
    fact value;
    bool present = false, changed = false;
  };
  std::unordered_map<std::string, known_fact> known;  // what the events of this batch read
  std::vector<handover> given;
  std::vector<note> notes;
  std::vector<presence> presences;
  std::vector<fact_change> fact_changes;
  std::vector<std::pair<const number_pool*, std::string>> opted_out;

  // core_guards.cpp: what came before, and how much
  void wants(const submit& s, wall_time now, std::vector<std::string>& keys) const;
  void wants_of(const message_content& c, std::vector<std::string>& keys) const;
  const std::string* read(const std::string& key, wall_time now);
  void keep(const std::string& key, std::string value, wall_time expires);
  void drop(const std::string& key);
  void forget_facts();
  bool answer_repeated(const submit& s, wall_time now);
  void remember(const submit& s, message_id id, wall_time now);
  struct usage_subject {
    std::string key;
    const usage_limits* limits;
    const time_zone* zone;
    bool of_number;
  };
  static std::uint64_t segments_of(const submit& s, const message_content& c);
  std::vector<usage_subject> usage_subjects(const message_content& c) const;
  bool within_usage(const submit& s, const message_content& c, wall_time now);
  void charge_usage(const submit& s, const message_content& c, wall_time now);

  // core_credit.cpp: what accounts have paid before
  bool has_settlements = false;
  void wants(const settle_credit& e, std::vector<std::string>& keys) const;
  [[nodiscard]] const policy::account* prepaid(const message_content& c) const;
  credit_state credit_of(const std::string& account, wall_time now);
  void book(const std::string& account, credit_state c, ledger_entry e, wall_time now);
  std::optional<std::uint64_t> price_within_credit(const submit& s, const message_content& c, wall_time now);
  void hold_credit(const entry& e, std::uint64_t amount, wall_time now);
  void note_settlement(const entry& e);
  void apply(const settle_credit& e, wall_time now);

  // core_care.cpp: what recipients want
  void apply(const opt_out& e, wall_time now);
  bool is_blocked(const message_content& c, wall_time now);
  [[nodiscard]] bool is_unwanted_notice(const message_content& c) const;
  [[nodiscard]] wall_time quiet_until(const message_content& c, wall_time now) const;
  bool defer(entry& e, wall_time now);
  // Whether somebody is to have this message, or it was for us alone.
  bool read_keywords(const submit& s, wall_time now);
  bool set_opt_out(const number_pool& pool, const std::string& number, bool out, std::string_view reason, wall_time now);
  void withdraw_opted_out(wall_time now);
  void reply(const message_content& to, const number_pool& pool, const std::string& text, wall_time now);

  // core_join.cpp: parts of long messages
  [[nodiscard]] bool is_joined(const submit& s, wall_time now) const;
  [[nodiscard]] std::string part_key(const submit& s) const;
  void wants(const overdue& e, std::vector<std::string>& keys) const;
  void apply_part(const submit& s, wall_time now);
  void release_parts(const std::string& key, message_id id, const std::string& stored, wall_time now);
  void apply(const overdue& e, wall_time now);

  // core_share.cpp: beside other instances
  std::vector<std::uint32_t> neighbours;
  std::unordered_map<std::string, std::vector<std::uint32_t>> bound_elsewhere;
  void set_neighbours(neighbourhood n);
  std::vector<report> kept_reports;  // from other instances, early when the store failed
  std::vector<endpoint*> presence_changed, giving;
  void note_presence(endpoint& ep);
  void collect_presences();
  void give_away(endpoint& ep, wall_time now);
  bool will_be_sent_again(message_id id) const;
  void pass_on(const report& r);
  void tell_opt_out(const number_pool& pool, const std::string& number);
  void hear(std::string_view octets, wall_time now);

  // core_submit.cpp
  void apply(const submit& e, wall_time now);
  // `sender`: as the message came. Rules give it another one for the recipient, not for routes by sender.
  [[nodiscard]] route_choice choose_route(const message_content& c, const address& sender, std::uint64_t seed,
                                          wall_time now) const;
  // Checks, routes and queues; null after a refusal. `id`: none for a new one.
  entry* take(const submit& s, message_id id, wall_time now);
  void apply(const cancel& e, wall_time now);
  void apply(const query& e, wall_time now);
  void apply(const replace& e, wall_time now);
  void refuse(refused what);
  void refuse(ingress_token token, refusal reason) { refuse(refused{token, reason}); }
  std::optional<refusal> check(const message_content& c, wall_time valid_until, wall_time now);
  entry* find_waiting(const message_selector& what);
  void replace_content(entry& e, std::shared_ptr<message_content> fresh, wall_time now);
  entry& add_entry(content_ptr content, wall_time valid_until, wall_time now, message_id id);

  // core_rewrite.cpp: what goes on of a message
  const message_content& routed(entry& e);
  void keep_way(entry& e, rewritten&& way);
  content_ptr outgoing(const endpoint& ep, entry& e, wall_time now);

  // core_dispatch.cpp
  void apply(const link_state& e, wall_time now);
  void link_up(endpoint& ep, const link_state& e);
  void link_down(endpoint& ep, std::uint64_t id, wall_time now);
  void apply(const drain&, wall_time) { draining = stats.draining = true; }
  void apply(const tick&, wall_time) {}
  endpoint& endpoint_named(std::string_view name);
  endpoint* choose_endpoint(entry& e, wall_time now);
  void make_ready(entry& e, wall_time now);
  void push_ready(endpoint& ep, entry& e, bool front);
  void pump_later(endpoint& ep);
  void pump(endpoint& ep, wall_time now);
  void start_attempt(endpoint& ep, link& l, entry& e, wall_time now);
  void reroute_waiting_of(endpoint& ep);
  void reroute_slice(wall_time now);
  void on_due(wall_time now);
  void set_deadline(entry& e);
  void note_outcome(endpoint& ep, attempt_outcome o, wall_time now);
  void try_again(endpoint& ep);

  // core_results.cpp
  void apply(const attempt_result& e, wall_time now);
  void end_attempt(entry& e);
  void merge_segments(entry& e, const attempt_result& r, endpoint& ep);
  void on_sent(endpoint& ep, entry& e, wall_time now);
  void on_throttled(endpoint& ep, entry& e, wall_time now);
  void on_unknown(endpoint& ep, entry& e, wall_time now);
  void on_not_sent(endpoint& ep, entry& e, wall_time now);
  void requeue(entry& e, wall_time next_attempt_at);
  void retry_or_give_up(entry& e, message_state when_used_up, wall_time now);
  void set_error(entry& e, error_class kind, std::uint32_t code, std::string_view text);
  void finalize(entry& e, message_state state, wall_time now, wall_time done_at = {});
  void settle(entry& e, wall_time now);
  void note_quality(entry& e, message_state state);
  void create_receipt(entry& e, message_state state, bool intermediate, wall_time done_at, wall_time now);
  void drop_body(entry& e);
  void erase_text(entry& e);

  // core_reports.cpp
  void apply(const report& e, wall_time now);
  std::optional<correlation> match(std::uint64_t hash, const std::string& normal, const endpoint& ep);
  report_outcome on_report(entry& e, std::size_t index, const report& r, wall_time now);
  void answer(const report& r, report_outcome outcome);
  void evaluate_segments(entry& e, wall_time done_at, wall_time now);
  void correlate(entry& e, std::size_t index, endpoint& ep);
  void uncorrelate(entry& e);
  void replay_early(entry& e, endpoint& ep, wall_time now);
  void release_early(endpoint& ep, wall_time now);

  // core.cpp
  void set_state(entry& e, message_state s);
  void mark(entry& e);   // to be written
  void touch(entry& e);  // deadline to be set
  void wake(endpoint& ep);
  void unlist(entry& e);
  void finish(wall_time now);
  void committed();
  void load(message&& m);
  void loaded(wall_time now, std::span<const attempt_ref> in_flight, sending_policy policy, message_id last_id);
  void resume(entry& e, const attempt_ref* alive, sending_policy policy, wall_time now);
  void adopt(message&& m, wall_time now);
  std::vector<attempt_ref> abandon(std::vector<ingress_token>& unanswered);
  [[nodiscard]] wall_time next_deadline() const noexcept;
};

}  // namespace msgkit::engine
