#include "engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

namespace msgkit::engine {
namespace {

constexpr std::chrono::seconds idle_wake{1};  // also how often endpoint statistics are refreshed

// What the engine itself is owed is never turned away: there is at most one for each thing it handed out.
bool always_taken(const event& e) noexcept {
  return std::holds_alternative<attempt_result>(e) || std::holds_alternative<link_state>(e) ||
         std::holds_alternative<drain>(e);
}

engine_options with_shares(engine_options o) {
  if (!o.processor.shares) o.processor.shares = std::make_shared<pace_shares>();
  return o;
}

wall_time system_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

void histogram::add(std::uint64_t value, std::uint64_t times) noexcept {
  const auto at = std::ranges::upper_bound(bounds, value) - bounds.begin();
  counts[static_cast<std::size_t>(at)] += times;
  sum += value * times;
  total += times;
}

struct engine::impl : processor_observer {
  impl(engine_options o, std::shared_ptr<const route_table> routes, std::unique_ptr<store> s, clock c, logger l)
      : options(with_shares(std::move(o))), now(c ? std::move(c) : clock{system_now}), log(std::move(l)), store_(std::move(s)),
        work(options.core, options.processor, std::move(routes), *store_, this) {}

  engine_options options;
  clock now;
  logger log;
  std::unique_ptr<store> store_;
  processor work;
  std::thread thread;

  // Shared with posters.
  mutable std::mutex inbox_mutex;
  std::condition_variable inbox_filled;
  std::vector<event> inbox;
  struct posted {
    std::size_t end, submits;  // the inbox up to here, and how many of it since the one before
    std::chrono::steady_clock::time_point at;
  };
  std::vector<posted> posts;
  using question = std::function<void(processor&)>;  // asks the store, on the engine thread
  std::vector<question> questions;
  std::shared_ptr<const route_table> new_routes;
  std::optional<std::shared_ptr<const policy>> new_policy;
  std::optional<std::shared_ptr<const rewrite_rules>> new_rewrites;
  bool waiting = false, closed = false;
  std::size_t backlog = 0;  // taken from the inbox, not yet run

  // Shared with readers.
  mutable std::mutex stats_mutex;
  engine_stats shown;
  std::atomic<bool> running{false}, faulted{false}, stopping{false};
  std::mutex idle_mutex;
  std::condition_variable idle;
  std::size_t in_flight = 0;
  bool drained = false;

  std::mutex sinks_mutex;
  std::vector<sink*> sinks{nullptr};  // 0 is nobody
  std::vector<std::vector<action>> outbox;

  void on_store_failed(std::string_view what) override {
    faulted = true;
    say(true, what);
    const std::lock_guard lock{stats_mutex};
    ++shown.commit_failures;
  }
  void on_store_recovered(std::size_t active) override {
    faulted = false;
    say(false, fmt::format("store recovered, {} active messages", active));
  }
  void on_corrupt(message_id id, const fault& f) override {
    say(true, fmt::format("stored message {} is damaged: {} at octet {}; skipped", id.text(), f.field, f.offset));
    const std::lock_guard lock{stats_mutex};
    ++shown.corrupt_rows;
  }
  void on_adopted(std::size_t messages) override {
    say(false, fmt::format("{} messages taken over from an instance that is gone", messages));
  }
  void on_committed(std::span<const record> records) override {
    if (options.on_committed) options.on_committed(records);
  }
  void say(bool is_error, std::string_view line) {
    if (log) log(is_error, line);
  }

  template <class Admit>
  bool enqueue(std::size_t count, bool forced, Admit&& admit) {
    bool wake = false;
    {
      const std::lock_guard lock{inbox_mutex};
      if (closed || (!forced && inbox.size() + backlog + questions.size() + count > options.inbox_events_max)) return false;
      admit();
      wake = waiting;
      waiting = false;
    }
    if (wake) inbox_filled.notify_one();
    return true;
  }

  // With the mutex held, after the events are in.
  void note_post(std::size_t submits) {
    if (submits > 0) posts.push_back({inbox.size(), submits, std::chrono::steady_clock::now()});
  }

  bool ask(question q) {
    return enqueue(1, false, [&] { questions.push_back(std::move(q)); });
  }

  void run();
  void hand_out(std::vector<action>& actions);
  void answer(std::vector<question>& asked);
  void note_answers(std::span<const posted> all, std::chrono::steady_clock::time_point at);
  void publish(std::chrono::steady_clock::duration took, std::size_t events, bool with_endpoints);
};

engine::engine(engine_options options, std::shared_ptr<const route_table> routes, std::unique_ptr<store> s, clock c,
               logger log)
    : impl_(std::make_unique<impl>(std::move(options), std::move(routes), std::move(s), std::move(c), std::move(log))) {}

engine::~engine() { stop(std::chrono::milliseconds{0}); }

result<void> engine::start() {
  if (auto started = impl_->work.start(impl_->now()); !started) return started;
  impl_->running = true;
  impl_->thread = std::thread{[this] { impl_->run(); }};
  return {};
}

std::string engine::store_error_text() const { return std::string{impl_->store_->error_text()}; }

sink_id engine::add_sink(sink& s) {
  const std::lock_guard lock{impl_->sinks_mutex};
  impl_->sinks.push_back(&s);
  return static_cast<sink_id>(impl_->sinks.size() - 1);
}

void engine::remove_sink(sink_id id) {
  const std::lock_guard lock{impl_->sinks_mutex};
  if (id < impl_->sinks.size()) impl_->sinks[id] = nullptr;
}

bool engine::post(event&& e) {
  const std::size_t submits = std::holds_alternative<submit>(e) ? 1 : 0;
  return impl_->enqueue(1, always_taken(e), [&] {
    impl_->inbox.push_back(std::move(e));
    impl_->note_post(submits);
  });
}

bool engine::post(std::vector<event>& events) {
  if (events.empty()) return true;
  const bool forced = std::ranges::all_of(events, always_taken);
  const auto submits = static_cast<std::size_t>(
      std::ranges::count_if(events, [](const event& e) { return std::holds_alternative<submit>(e); }));
  return impl_->enqueue(events.size(), forced, [&] {
    if (impl_->inbox.empty()) {
      impl_->inbox.swap(events);
    } else {
      std::ranges::move(events, std::back_inserter(impl_->inbox));
      events.clear();
    }
    impl_->note_post(submits);
  });
}

bool engine::query(message_id id, query_callback callback) {
  return impl_->ask([id, callback = std::move(callback)](processor& work) { callback(work.find(id)); });
}

bool engine::search(message_filter what, message_id before, std::size_t limit, search_callback callback) {
  return impl_->ask([what = std::move(what), before, limit, callback = std::move(callback)](processor& work) {
    callback(work.search(what, before, limit));
  });
}

bool engine::list_opt_outs(std::string pool, std::string after, std::size_t limit, opt_outs_callback callback) {
  return impl_->ask([pool = std::move(pool), after = std::move(after), limit, callback = std::move(callback)](processor& work) {
    callback(work.opt_outs(pool, after, limit));
  });
}

bool engine::query_usage(std::string account, std::string number, usage_callback callback) {
  return impl_->ask([account = std::move(account), number = std::move(number), callback = std::move(callback)](processor& work) {
    callback(work.usage(account, number));
  });
}

bool engine::change_fact(std::string key, processor::fact_changer change, done_callback callback) {
  return impl_->ask([key = std::move(key), change = std::move(change), callback = std::move(callback)](processor& work) {
    callback(work.change_fact(key, change));
  });
}

bool engine::list_facts(std::string prefix, std::string after, std::size_t limit, facts_callback callback) {
  return impl_->ask([prefix = std::move(prefix), after = std::move(after), limit, callback = std::move(callback)](processor& work) {
    callback(work.facts(prefix, after, limit));
  });
}

bool engine::query_credit(std::string account, credit_callback callback) {
  return impl_->ask([account = std::move(account), callback = std::move(callback)](processor& work) {
    callback(work.credit(account));
  });
}

bool engine::top_up(std::string account, std::int64_t amount, std::string reference, top_up_callback callback) {
  return impl_->ask([this, account = std::move(account), amount, reference = std::move(reference),
                     callback = std::move(callback)](processor& work) {
    callback(work.top_up(account, amount, reference, impl_->now()));
  });
}

pace_shares& engine::pace() noexcept { return *impl_->options.processor.shares; }

bool engine::erase(std::string number, std::vector<message_id> ids, erasure_callback callback) {
  return impl_->ask([number = std::move(number), ids = std::move(ids), callback = std::move(callback)](processor& work) {
    callback(work.erase(number, ids));
  });
}

bool engine::erase_remembered(std::string number, done_callback callback) {
  return impl_->ask([number = std::move(number), callback = std::move(callback)](processor& work) {
    callback(work.erase_remembered(number));
  });
}

void engine::set_routes(std::shared_ptr<const route_table> routes) {
  impl_->enqueue(0, true, [&] { impl_->new_routes = std::move(routes); });
}

void engine::set_policy(std::shared_ptr<const policy> rules) {
  impl_->enqueue(0, true, [&] { impl_->new_policy = std::move(rules); });
}

void engine::set_rewrites(std::shared_ptr<const rewrite_rules> rules) {
  impl_->enqueue(0, true, [&] { impl_->new_rewrites = std::move(rules); });
}

engine_stats engine::stats() const {
  engine_stats out;
  {
    const std::lock_guard lock{impl_->stats_mutex};
    out = impl_->shown;
  }
  out.store_faulted = impl_->faulted;
  const std::lock_guard lock{impl_->inbox_mutex};
  out.inbox = impl_->inbox.size() + impl_->backlog;
  return out;
}

bool engine::ready() const noexcept { return impl_->running && !impl_->stopping && !impl_->faulted; }

bool engine::stop(std::chrono::milliseconds deadline) {
  if (!impl_->thread.joinable()) return true;
  impl_->stopping = true;
  bool quiet = false;
  if (deadline.count() > 0 && post(event{drain{}})) {
    std::unique_lock lock{impl_->idle_mutex};
    quiet = impl_->idle.wait_for(lock, deadline, [&] { return impl_->drained && impl_->in_flight == 0; });
  }
  impl_->enqueue(0, true, [&] { impl_->closed = true; });
  impl_->thread.join();
  impl_->running = false;
  return quiet;
}

// ---- the thread ---------------------------------------------------------------------------------------------------

void engine::impl::run() {
  std::vector<event> taken, batch;
  std::vector<posted> since;
  std::vector<question> asked;
  auto endpoints_at = std::chrono::steady_clock::now();
  for (bool last = false; !last;) {
    std::shared_ptr<const route_table> routes;
    std::optional<std::shared_ptr<const policy>> rules;
    std::optional<std::shared_ptr<const rewrite_rules>> rewrites;
    {
      std::unique_lock lock{inbox_mutex};
      const auto wait = std::clamp<std::chrono::milliseconds>(
          work.next_deadline() == wall_time::max() ? idle_wake : work.next_deadline() - now(),
          std::chrono::milliseconds{0}, idle_wake);
      waiting = true;
      inbox_filled.wait_for(lock, wait, [&] { return !inbox.empty() || !questions.empty() || closed || new_routes || new_policy || new_rewrites; });
      waiting = false;
      taken.swap(inbox);
      since.swap(posts);
      asked.swap(questions);
      routes.swap(new_routes);
      rules.swap(new_policy);
      rewrites.swap(new_rewrites);
      backlog = taken.size();
      last = closed;
    }
    if (routes) work.state().set_routes(std::move(routes));
    if (rules) work.state().set_policy(*std::move(rules));
    if (rewrites) work.state().set_rewrites(*std::move(rewrites));
    std::size_t at = 0;
    auto answered = since.begin();
    do {
      const auto started = std::chrono::steady_clock::now();
      const std::size_t count = std::min(taken.size() - at, options.batch_events_max);
      batch.assign(std::make_move_iterator(taken.begin() + static_cast<std::ptrdiff_t>(at)),
                   std::make_move_iterator(taken.begin() + static_cast<std::ptrdiff_t>(at + count)));
      at += count;
      hand_out(work.run(batch, now()));
      const auto ended = std::chrono::steady_clock::now();
      const auto begin = answered;
      while (answered != since.end() && answered->end <= at) ++answered;
      note_answers({begin, answered}, ended);
      const bool refresh = ended >= endpoints_at;
      if (refresh) endpoints_at = ended + idle_wake;
      publish(ended - started, count, refresh);
      const std::lock_guard lock{inbox_mutex};
      backlog = taken.size() - at;
    } while (at < taken.size());
    taken.clear();
    since.clear();
    answer(asked);
  }
}

// One call per sink and batch. A sink that has gone cannot send: say so, or the message would wait for ever.
void engine::impl::hand_out(std::vector<action>& actions) {
  if (actions.empty()) return;
  const std::lock_guard lock{sinks_mutex};
  outbox.resize(sinks.size());
  std::vector<event> undeliverable;
  for (auto& a : actions) {
    const sink_id to = sink_of(a);
    if (to < sinks.size() && sinks[to] != nullptr) {
      outbox[to].push_back(std::move(a));
    } else if (const auto* s = std::get_if<send>(&a)) {
      undeliverable.push_back(attempt_result{.id = s->id, .attempt = s->attempt, .outcome = attempt_outcome::not_sent});
    }
  }
  actions.clear();
  for (std::size_t i = 0; i < outbox.size(); ++i) {
    if (outbox[i].empty()) continue;
    sinks[i]->on_actions(std::move(outbox[i]));
    outbox[i].clear();
  }
  if (undeliverable.empty()) return;
  const std::lock_guard inbox_lock{inbox_mutex};
  std::ranges::move(undeliverable, std::back_inserter(inbox));
}

void engine::impl::answer(std::vector<question>& asked) {
  for (auto& q : asked) q(work);
  asked.clear();
}

void engine::impl::note_answers(std::span<const posted> all, std::chrono::steady_clock::time_point at) {
  const std::lock_guard lock{stats_mutex};
  for (const auto& p : all)
    shown.submit_microseconds.add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(at - p.at).count()),
        p.submits);
}

void engine::impl::publish(std::chrono::steady_clock::duration took, std::size_t events, bool with_endpoints) {
  {
    const std::lock_guard lock{stats_mutex};
    shown.core = work.state().stats();
    shown.purged = work.purged();
    ++shown.batches;
    if (events > 0) {
      ++shown.commits;
      shown.commit_microseconds.add(
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
      shown.batch_events.add(events);
    }
    if (with_endpoints) {
      shown.endpoints.clear();
      for (const auto& ep : work.state().endpoints()) {
        const auto oldest = work.state().oldest_queued(ep.name);
        shown.endpoints.push_back(
            {std::string{ep.name}, ep.up, ep.links, ep.capacity, ep.in_flight, ep.queued, ep.breaker,
             oldest == wall_time::max() ? std::chrono::milliseconds{0} : now() - oldest, ep.parts, ep.reported});
      }
      shown.traffics.clear();
      for (const auto& t : work.state().traffic())
        shown.traffics.push_back({std::string{t.account}, std::string{t.endpoint}, t.settled});
    }
  }
  const std::lock_guard lock{idle_mutex};
  in_flight = work.unsettled_attempts();
  drained = work.state().stats().draining;
  if (drained && in_flight == 0) idle.notify_all();
}

}  // namespace msgkit::engine
