#include "engine/processor.hpp"

#include <algorithm>
#include <utility>

#include "engine/error.hpp"

namespace msgkit::engine {
namespace {

constexpr std::chrono::seconds purge_interval{60};
constexpr std::chrono::seconds overdue_interval{1};
constexpr std::size_t overdue_max = 100;
// Taking what an older version or a crash left into the index of numbers: a bounded piece, then traffic again.
constexpr std::size_t index_rows = 1'000;
constexpr std::chrono::milliseconds index_interval{1'000}, index_interval_busy{20};
// A notification that was lost is made up for by looking.
constexpr std::chrono::milliseconds look_around_interval{1'000};
constexpr std::chrono::milliseconds share_interval{10}, share_interval_alone{200};
// Messages with a price that have ended are settled together; what a crash or a change of the rules left, later.
constexpr std::chrono::milliseconds settle_interval{1'000}, settle_interval_busy{50};
constexpr std::chrono::seconds sweep_interval{60};
constexpr std::size_t settlements_max = 500, holds_max = 200;
constexpr char parts_space = static_cast<char>(fact_space::parts);
processor_observer silent;

}  // namespace

processor::processor(core_options options, processor_options more, std::shared_ptr<const route_table> routes, store& s,
                     processor_observer* observer)
    : options_(std::move(more)), store_(s), observer_(observer != nullptr ? *observer : silent),
      core_(std::move(options), std::move(routes)) {}

result<void> processor::start(wall_time now) {
  const auto last = store_.last_id();
  if (!last) return last.error();
  const auto report = store_.load_active([this](message&& m) { core_.load(std::move(m)); },
                                         [this](message_id id, const fault& f) { observer_.on_corrupt(id, f); });
  if (!report) return report.error();
  core_.loaded(now, {}, core::sending_policy::attempt_unknown, *last);
  core_.finish(now);
  if (auto done = store_.write(batch()); !done) return done;
  core_.committed();  // no link is up yet, so there is nothing to release
  purge_at_ = facts_at_ = now + purge_interval;
  overdue_at_ = now;
  upkeep_at_ = now + store_.upkeep_interval();
  return {};
}

std::vector<action>& processor::run(std::vector<event>& events, wall_time now) {
  released_.clear();
  if (std::exchange(is_broken_, false) && !faulted_) fail({}, now);
  if (faulted_ && now >= retry_at_) try_recover(now);
  if (!faulted_ && upkeep_is_due(now)) upkeep(now);
  if (faulted_) {
    run_faulted(events, now);
  } else if ((is_shared() && !share(now)) || !look_up(events, now)) {
    fail({}, now);
    run_faulted(events, now);
  } else {
    elsewhere_.clear();
    for (const auto& e : events) {
      if (const auto* q = std::get_if<query>(&e); q != nullptr && !core_.knows(q->what.id)) elsewhere_.push_back(*q);
      else core_.apply(e, now);
    }
    core_.finish(now);
    if (is_shared() && options_.shares)
      for (auto& p : options_.shares->changed(now)) core_.announce(std::move(p));
    const bool committed = commit_batch();
    for (const auto& q : elsewhere_)
      released_.push_back(committed ? answer_from_store(q) : refused{q.token, refusal::store_unavailable});
    if (!committed) fail(events, now);
    if (!faulted_ && options_.retention.count() > 0 && now >= purge_at_) purge(now);
    if (!faulted_ && now >= facts_at_) purge_facts(now);
    if (!faulted_ && store_.has_number_index() && now >= index_at_) index_more(now);
  }
  events.clear();
  return released_;
}

wall_time processor::next_deadline() const noexcept {
  if (faulted_) return retry_at_;
  wall_time at = core_.next_deadline();
  if (options_.retention.count() > 0) at = std::min(at, purge_at_);
  if (store_.upkeep_interval().count() > 0) at = std::min(at, upkeep_at_);
  if (is_shared()) at = std::min(at, share_at_);
  if (store_.has_number_index()) at = std::min(at, index_at_);
  if (core_.has_prepaid()) at = std::min({at, settle_at_, sweep_at_});
  return std::min({at, facts_at_, overdue_at_});
}

result<std::optional<message>> processor::find(message_id id) { return store_.find(id); }

// The newest part first: what the index does not know yet, then what it knows, then what it does not know any more.
result<message_slice> processor::search(const message_filter& what, message_id before, std::size_t limit) {
  message_id end = before ? before : greatest_id;
  if (what.until != wall_time{}) end = std::min(end, first_id_at(what.until));
  const message_id begin = what.since == wall_time{} ? message_id{} : first_id_at(what.since);
  message_slice slice;
  if (begin >= end) return slice;
  number_span known;
  if (!what.number().empty()) {
    const auto span = store_.indexed();
    if (!span) return span.error();
    known = *span;
  }
  const bool by_index = !known.empty() && known.from < end && end <= known.before;
  const message_id lower = by_index ? std::max(begin, known.from)
                           : !known.empty() && end > known.before ? std::max(begin, known.before)
                                                                  : begin;
  message_id last;
  const auto on_message = [&](message&& m) {
    if (slice.found.size() >= limit) return;
    last = m.id;
    ++slice.rows;
    if (what.matches(m)) slice.found.push_back(std::move(m));
  };
  const auto on_corrupt = [&](message_id id, const fault&) {
    if (slice.found.size() < limit) last = id;
  };
  if (by_index) {
    const auto read = store_.browse_number(number_key(what.number()), lower, end, slice_rows_max, on_message, on_corrupt);
    if (!read) return read.error();
    if (slice.found.size() >= limit) slice.next = last;
    else if (read->reached > begin) slice.next = read->reached;
  } else {
    const auto read = store_.browse(lower, end, slice_rows_max, on_message, on_corrupt);
    if (!read) return read.error();
    if (read->loaded + read->corrupt == slice_rows_max || slice.found.size() >= limit) slice.next = last;
    else if (lower > begin) slice.next = lower;
  }
  return slice;
}

result<std::vector<opt_out_entry>> processor::opt_outs(std::string_view pool, std::string_view after, std::size_t limit) {
  std::vector<opt_out_entry> out;
  const auto prefix = fact_key(fact_space::opt_out, {pool, ""});
  const auto from = after.empty() ? std::string{} : prefix + std::string{after};
  const auto done = store_.scan(prefix, from, limit, [&](std::string_view key, fact&& f) {
    if (auto e = decode_opt_out(key, f.value)) out.push_back(*std::move(e));
  });
  if (!done) return done.error();
  return out;
}

result<usage_counter> processor::usage(std::string_view account, std::string_view number) {
  usage_counter found;
  const auto wanted = fact_key(fact_space::usage, {account, number});
  const auto done = store_.scan(wanted, {}, 1, [&](std::string_view key, fact&& f) {
    if (key == wanted) found = decode_usage(f.value);
  });
  if (!done) return done.error();
  return found;
}

// ---- between batches ----------------------------------------------------------------------------------------------

fault processor::broken(const fault& f) {
  is_broken_ = true;
  return f;
}

result<void> processor::change_fact(const std::string& key, const fact_changer& change) {
  std::optional<fact> before;
  const std::string keys[]{key};
  if (const auto done = store_.look_up(keys, [&](std::string_view, fact&& f) { before = std::move(f); }); !done)
    return broken(done.error());
  const auto after = change(before ? &*before : nullptr);
  const fact_change one[]{{key, after ? &*after : nullptr}};
  const bool changes_it = before != after;
  if (const auto done = store_.write(changes_it ? changes{.facts = one} : changes{}); !done) return broken(done.error());
  return {};
}

result<processor::fact_list> processor::facts(std::string_view prefix, std::string_view after, std::size_t limit) {
  fact_list out;
  const auto done = store_.scan(prefix, after, limit,
                                [&](std::string_view key, fact&& f) { out.emplace_back(key, std::move(f)); });
  if (!done) return done.error();
  return out;
}

result<erasure_step> processor::erase(std::string_view number, std::span<const message_id> ids) {
  erasure_step step;
  std::vector<message> rest;
  std::vector<number_entry> forgotten;
  for (const auto id : ids) {
    if (core_.knows(id)) {
      ++step.waiting;
      continue;
    }
    const auto found = store_.find(id);
    if (!found) return found.error();
    if (!*found) continue;
    if (!(*found)->progress.settled) {
      ++step.waiting;
    } else if (auto m = erase_number(**found, number)) {
      rest.push_back(*std::move(m));
      forgotten.push_back({number_key(number), id});
    }
  }
  if (rest.empty()) return step;
  std::vector<record> erased;
  for (const auto& m : rest) erased.push_back({m.id, false, m.content.get(), &m.progress, true});
  if (const auto done = store_.write({.forgotten = forgotten, .erased = erased}); !done) return broken(done.error());
  step.erased = rest.size();
  return step;
}

result<credit_state> processor::credit(const std::string& account) {
  credit_state found;
  const auto wanted = credit_key(account);
  const auto done = store_.scan(wanted, {}, 1, [&](std::string_view key, fact&& f) {
    if (key == wanted) found = decode_credit(f.value);
  });
  if (!done) return done.error();
  return found;
}

result<processor::top_up_result> processor::top_up(const std::string& account, std::int64_t amount,
                                                   const std::string& reference, wall_time now) {
  const std::vector<std::string> keys{credit_key(account), top_up_key(account, reference)};  // sorted: c, t
  top_up_result out;
  std::optional<std::string> booked;
  const auto read = store_.look_up(keys, [&](std::string_view key, fact&& f) {
    if (key == keys[0]) out.credit = decode_credit(f.value);
    else if (f.expires > now) booked = std::move(f.value);
  });
  if (!read) return broken(read.error());
  if (booked) {
    out.is_repeated = true;
    out.is_conflict = *booked != std::to_string(amount);
    if (const auto done = store_.write({}); !done) return broken(done.error());
    return out;
  }
  out.credit.balance += amount;
  const ledger_entry e{.number = ++out.credit.entries, .at = now, .kind = ledger_kind::top_up, .amount = amount,
                       .balance = out.credit.balance, .held = out.credit.held, .message = {}, .note = reference};
  const auto entry_key = ledger_key(account, e.number);
  const fact credit{encode(out.credit), {}}, entry{encode(e), now + ledger_kept}, once{std::to_string(amount), now + ledger_kept};
  const fact_change all[]{{keys[0], &credit}, {entry_key, &entry}, {keys[1], &once}};
  if (const auto done = store_.write({.facts = all}); !done) return broken(done.error());
  return out;
}

result<void> processor::erase_remembered(const std::string& number) {
  constexpr std::size_t pools_at_once = 250;
  const auto pools = core_.pool_names();
  for (std::size_t at = 0; at < pools.size(); at += pools_at_once) {
    std::vector<std::string> keys;
    for (auto i = at; i < std::min(at + pools_at_once, pools.size()); ++i)
      for (const auto space : {fact_space::opt_out, fact_space::reply}) keys.push_back(fact_key(space, {pools[i], number}));
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    fact_list found;
    if (const auto done = store_.look_up(
            keys, [&](std::string_view key, fact&& f) { found.emplace_back(key, std::move(f)); }); !done)
      return broken(done.error());
    std::vector<fact_change> all;
    for (auto& [key, f] : found) {
      const auto out = decode_opt_out(key, f.value);
      if (out) f.value = encode_opt_out(out->since, {});
      all.push_back({key, out ? &f : nullptr});
    }
    if (const auto done = store_.write({.facts = all}); !done) return broken(done.error());
  }
  return {};
}

// Reads what the batch has to know. Parts of messages that waited long enough join the batch first.
bool processor::look_up(std::vector<event>& events, wall_time now) {
  keys_.clear();
  if (now >= overdue_at_) {
    overdue_at_ = now + (core_.joins_parts() ? overdue_interval : purge_interval);
    auto keys = store_.overdue(std::string_view{&parts_space, 1}, now, overdue_max);
    if (!keys) return false;
    for (auto& key : *keys) events.emplace_back(overdue{std::move(key)});
  }
  if (core_.has_prepaid() && (!look_for_settlements(events, now) || !look_for_holds(events, now))) return false;
  for (const auto& e : events) core_.wants(e, now, keys_);
  if (keys_.empty()) return true;
  std::ranges::sort(keys_);
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  return bool{store_.look_up(keys_, [this](std::string_view key, fact&& f) { core_.know(key, std::move(f)); })};
}

bool processor::look_for_settlements(std::vector<event>& events, wall_time now) {
  if (now < settle_at_ && settle_at_ - now <= settle_interval) return true;
  std::size_t found = 0;
  const char prefix = static_cast<char>(fact_space::settlement);
  const auto done = store_.scan({&prefix, 1}, {}, settlements_max, [&](std::string_view key, fact&&) {
    ++found;
    if (auto subject = read_credit_key(key)) events.emplace_back(settle_credit{std::move(subject->account), subject->id});
  });
  settle_at_ = now + (found == settlements_max ? settle_interval_busy : settle_interval);
  return bool{done};
}

// Nobody noted how these ended: their message has gone, or ended while its account was not one that pays before.
bool processor::look_for_holds(std::vector<event>& events, wall_time now) {
  if (now < sweep_at_ && sweep_at_ - now <= sweep_interval) return true;
  std::vector<credit_subject> page;
  std::string last;
  const char prefix = static_cast<char>(fact_space::hold);
  const auto done = store_.scan({&prefix, 1}, swept_, holds_max, [&](std::string_view key, fact&&) {
    last = key;
    if (auto subject = read_credit_key(key)) page.push_back(*std::move(subject));
  });
  if (!done) return false;
  for (auto& s : page) {
    if (core_.knows(s.id)) continue;
    const auto found = store_.find(s.id);
    if (!found || (*found && !(*found)->progress.settled)) continue;
    events.emplace_back(settle_credit{std::move(s.account), s.id, *found ? (*found)->progress.state : message_state::canceled});
  }
  const bool more = page.size() == holds_max;
  swept_ = more ? last : std::string{};
  sweep_at_ = now + (more ? std::chrono::seconds{1} : sweep_interval);
  return true;
}

changes processor::batch() const {
  changes c{.records = core_.records(), .facts = core_.facts()};
  if (is_shared()) {
    c.given = core_.given();
    c.notes = core_.notes();
    c.presences = core_.presences();
  }
  return c;
}

bool processor::commit_batch() {
  if (!store_.write(batch())) return false;
  observer_.on_committed(core_.records());
  if (core_.take_settlements()) settle_at_ = {};
  auto& actions = core_.actions();
  if (released_.empty()) released_.swap(actions);
  else released_.insert(released_.end(), std::make_move_iterator(actions.begin()), std::make_move_iterator(actions.end()));
  core_.committed();
  return true;
}

action processor::answer_from_store(const query& q) {
  const auto found = store_.find(q.what.id);
  if (!found) return refused{q.token, refusal::store_unavailable};
  if (!*found || !is_asked_about(q, **found)) return refused{q.token, refusal::not_found};
  return answer_to(q, q.what.id, (*found)->progress, (*found)->content, false);
}

// ---- when the store fails -----------------------------------------------------------------------------------------

// Nothing of this batch happened. Who asked for something is refused; what became of attempts is remembered.
void processor::fail(std::span<event> events, wall_time now) {
  faulted_ = true;
  retry_at_ = now + backoff_delay(options_.recovery, recovery_tries_++, 0);
  observer_.on_store_failed(store_.error_text());
  std::vector<ingress_token> unanswered;
  for (const auto& a : core_.actions()) {
    if (const auto* r = std::get_if<refused>(&a)) {
      released_.push_back(*r);
      continue;
    }
    if (const auto* ok = std::get_if<accepted>(&a); ok != nullptr && ok->is_new && !ok->repeatable) refused_ids_.push_back(ok->id);
    std::visit([&](const auto& what) {
      if constexpr (requires { what.token; }) unanswered.push_back(what.token);
    }, a);
  }
  in_flight_ = core_.abandon(unanswered);
  for (const auto token : unanswered) released_.push_back(refused{token, refusal::store_unavailable});
  for (auto& e : events)
    if (std::holds_alternative<attempt_result>(e)) held_results_.push_back(std::move(e));
}

void processor::run_faulted(std::vector<event>& events, wall_time now) {
  for (auto& e : events) {
    if (std::holds_alternative<attempt_result>(e)) held_results_.push_back(std::move(e));
    else if (std::holds_alternative<link_state>(e) || std::holds_alternative<drain>(e)) core_.apply(e, now);
    else refuse_token(e);
  }
  core_.finish(now);  // no messages here; only lets link changes settle
  core_.committed();
}

void processor::refuse_token(const event& e) {
  std::visit([this](const auto& what) {
    if constexpr (requires { what.token; }) released_.push_back(refused{what.token, refusal::store_unavailable});
  }, e);
}

void processor::try_recover(wall_time now) {
  if (!reload(now)) {
    std::vector<ingress_token> none;
    core_.abandon(none);
    retry_at_ = now + backoff_delay(options_.recovery, recovery_tries_++, 0);
    return;
  }
  faulted_ = false;
  recovery_tries_ = 0;
  upkeep_at_ = now + store_.upkeep_interval();
  if (options_.shares) options_.shares->forget_told();
  refused_ids_.clear();
  in_flight_.clear();
  held_results_.clear();
  observer_.on_store_recovered(core_.active());
}

result<void> processor::reload(wall_time now) {
  if (auto done = store_.recover(); !done) return done;
  if (auto done = store_.remove(refused_ids_); !done) return done;
  const auto last = store_.last_id();
  if (!last) return last.error();
  const auto report = store_.load_active([this](message&& m) { core_.load(std::move(m)); },
                                         [this](message_id id, const fault& f) { observer_.on_corrupt(id, f); });
  if (!report) return report.error();
  core_.loaded(now, in_flight_, core::sending_policy::attempt_not_sent, *last);
  core_.announce_links();
  for (const auto& e : held_results_) core_.apply(e, now);
  // Links that went down meanwhile took their attempts with them.
  for (const auto& ref : in_flight_) {
    if (core_.has_link(ref.link)) continue;
    core_.apply(attempt_result{.id = ref.id, .attempt = ref.attempt, .outcome = attempt_outcome::unknown,
                               .text = "connection lost"}, now);
  }
  core_.finish(now);
  if (!commit_batch()) return fault{make_error_code(errc::store_failed), "commit"};
  return {};
}

// A lease must not run out because the clock was set back.
bool processor::upkeep_is_due(wall_time now) const {
  const auto interval = store_.upkeep_interval();
  return interval.count() > 0 && (now >= upkeep_at_ || upkeep_at_ - now > interval);
}

void processor::upkeep(wall_time now) {
  const auto report = store_.upkeep([&](message&& m) { core_.adopt(std::move(m), now); },
                                    [this](message_id id, const fault& f) { observer_.on_corrupt(id, f); });
  if (!report) return fail({}, now);
  upkeep_at_ = now + store_.upkeep_interval();
  if (report->loaded + report->corrupt == 0) return;
  observer_.on_adopted(report->loaded);
  upkeep_at_ = std::min(upkeep_at_, now + std::chrono::milliseconds{100});  // there may be more
}

// What other instances have for us, and who they are. Reads only a socket while nobody calls.
result<void> processor::share(wall_time now) {
  const auto call = store_.called();
  if (call.left) upkeep_at_ = now;
  const bool due = now >= look_around_at_ || look_around_at_ - now > look_around_interval;
  share_at_ = now + (has_neighbours_ ? share_interval : share_interval_alone);
  if (!call.anything && !due) return {};
  auto around = store_.look_around();
  if (!around) return around.error();
  has_neighbours_ = !around->instances.empty();
  if (options_.shares) options_.shares->hear(*around);
  look_around_at_ = now + look_around_interval;
  share_at_ = now + (has_neighbours_ ? share_interval : share_interval_alone);
  core_.set_neighbours(*std::move(around));
  const auto more = store_.intake([&](message&& m) { core_.adopt(std::move(m), now); },
                                  [this](message_id id, const fault& f) { observer_.on_corrupt(id, f); },
                                  [&](std::string_view note) { core_.hear(note, now); });
  if (!more) return more.error();
  if (*more) share_at_ = look_around_at_ = now;
  return {};
}

void processor::purge(wall_time now) {
  const auto gone = store_.purge(first_id_at(now - options_.retention), options_.purge_rows_max);
  if (!gone) return fail({}, now);
  purged_.messages += *gone;
  purge_at_ = *gone == options_.purge_rows_max ? now + std::chrono::seconds{1} : now + purge_interval;
}

void processor::index_more(wall_time now) {
  const auto more = store_.index_more(index_rows);
  if (!more) return fail({}, now);
  index_at_ = now + (*more ? index_interval_busy : index_interval);
}

// Parts of messages are not thrown away like this; what never expires neither.
void processor::purge_facts(wall_time now) {
  auto gone = store_.purge_facts(now, parts_space, options_.purge_rows_max);
  if (gone) purged_.facts += *gone;
  if (gone && *gone < options_.purge_rows_max) {
    const auto held = store_.fact_count();
    if (!held) return fail({}, now);
    if (*held > options_.facts_max) {
      gone = store_.purge_facts(wall_time::max(), parts_space,
                                std::min<std::size_t>(options_.purge_rows_max, static_cast<std::size_t>(*held - options_.facts_max)));
      if (gone) purged_.facts += *gone;
    }
  }
  if (!gone) return fail({}, now);
  facts_at_ = *gone == options_.purge_rows_max ? now + std::chrono::milliseconds{100} : now + purge_interval;
}

}  // namespace msgkit::engine
