#include "simulated_engine.hpp"

#include <algorithm>

namespace msgkit::simulation {
namespace {

bool always_taken(const engine::event& e) noexcept {
  return std::holds_alternative<engine::attempt_result>(e) || std::holds_alternative<engine::link_state>(e) ||
         std::holds_alternative<engine::drain>(e);
}

}  // namespace

simulated_engine::simulated_engine(test::virtual_loop& loop, test::random_source& random, journal& log,
                                   const engine_conditions& now, const engine::core_options& options,
                                   std::shared_ptr<const engine::route_table> routes, engine::store& s,
                                   engine::memory_store& medium)
    : loop_(loop), random_(random), log_(log), now_(now), medium_(medium),
      work_(options, engine::processor_options{}, std::move(routes), s) {}

simulated_engine::~simulated_engine() { die(); }

bool simulated_engine::start() {
  if (!work_.start(loop_.clock().wall())) return false;
  schedule();
  return true;
}

void simulated_engine::die() {
  life_->dead = true;
  inbox_.clear();
  released_.clear();
}

void simulated_engine::stop(duration limit, std::function<void()> done) {
  stopped_ = std::move(done);
  stop_by_ = loop_.now() + limit;
  inbox_.emplace_back(engine::drain{});
  wake();
}

engine::sink_id simulated_engine::add_sink(engine::sink& s) {
  sinks_.push_back(&s);
  return static_cast<engine::sink_id>(sinks_.size() - 1);
}
void simulated_engine::remove_sink(engine::sink_id id) { sinks_[id] = nullptr; }

bool simulated_engine::post(engine::event&& e) {
  std::vector<engine::event> one;
  one.push_back(std::move(e));
  return post(one);
}

bool simulated_engine::post(std::vector<engine::event>& events) {
  if (life_->dead) return false;
  const bool forced = std::ranges::all_of(events, always_taken);
  const bool full = inbox_.size() + events.size() > now_.inbox_max || random_.chance(now_.inbox_full_share);
  if (!forced && full) return false;
  std::ranges::move(events, std::back_inserter(inbox_));
  events.clear();
  wake();
  return true;
}

// The thread wakes a little later, so that batches form.
void simulated_engine::wake() {
  if (busy_ || life_->dead) return;
  loop_.after(random_.between(std::chrono::microseconds{5}, std::chrono::microseconds{200}),
              [this, life = life_, mine = ++life_->generation] {
                if (!life->dead && life->generation == mine) run();
              });
}

void simulated_engine::schedule() {
  if (busy_ || life_->dead) return;
  if (!inbox_.empty()) return wake();
  const auto next = work_.next_deadline();
  const auto now = loop_.clock().wall();
  auto wait = next == wall_time::max() ? std::chrono::milliseconds{1'000} : next - now;
  wait = std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds{0}, std::chrono::milliseconds{1'000});
  loop_.after(wait, [this, life = life_, mine = ++life_->generation] {
    if (!life->dead && life->generation == mine) run();
  });
}

void simulated_engine::run() {
  if (!work_.store_faulted() && random_.chance(now_.commit_failure_share)) {
    const auto how = random_.chance(0.5) ? engine::memory_store::failure::clean : engine::memory_store::failure::in_doubt;
    medium_.fail_commit(1, how, static_cast<std::uint32_t>(random_.below(4)));
  }
  batch_.swap(inbox_);
  const auto count = batch_.size();
  auto& actions = work_.run(batch_, loop_.clock().wall());
  released_.assign(std::make_move_iterator(actions.begin()), std::make_move_iterator(actions.end()));
  if (count > 0 || !released_.empty()) log_.add("engine: {} events, {} actions", count, released_.size());
  check_limits();
  busy_ = true;
  loop_.after(random_.between(now_.commit_min, now_.commit_max), [this, life = life_] {
    if (!life->dead) release();
  });
}

void simulated_engine::check_limits() {
  if (state().active() > now_.active_max)
    log_.fail("{} messages are active, the limit is {}", state().active(), now_.active_max);
  for (const auto& ep : state().endpoints()) {
    const auto limit = now_.link_capacity.find(ep.name);
    if (limit != now_.link_capacity.end() && ep.in_flight > ep.links * limit->second)
      log_.fail("{} messages are in flight to {}, its {} links take {} each", ep.in_flight, ep.name, ep.links, limit->second);
  }
}

void simulated_engine::release() {
  busy_ = false;
  std::vector<std::vector<engine::action>> outbox(sinks_.size());
  for (auto& a : std::exchange(released_, {})) {
    const auto to = engine::sink_of(a);
    if (to < sinks_.size() && sinks_[to] != nullptr) outbox[to].push_back(std::move(a));
    else if (const auto* s = std::get_if<engine::send>(&a))
      inbox_.push_back(engine::attempt_result{.id = s->id, .attempt = s->attempt});
  }
  for (std::size_t i = 0; i < outbox.size(); ++i)
    if (!outbox[i].empty()) sinks_[i]->on_actions(std::move(outbox[i]));
  if (stopped_ && (loop_.now() >= stop_by_ || (state().stats().draining && work_.unsettled_attempts() == 0))) {
    die();
    return std::exchange(stopped_, nullptr)();
  }
  schedule();
}

}  // namespace msgkit::simulation
