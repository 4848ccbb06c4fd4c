#include "engine/core.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "engine/core_impl.hpp"

namespace msgkit::engine {

core::core(core_options options, std::shared_ptr<const route_table> routes)
    : impl_(std::make_unique<impl>(std::move(options), std::move(routes))) {}
core::~core() = default;
core::core(core&&) noexcept = default;
core& core::operator=(core&&) noexcept = default;

void core::apply(const event& e, wall_time now) {
  std::visit([&](const auto& what) { impl_->apply(what, now); }, e);
}
void core::wants(const event& e, wall_time now, std::vector<std::string>& keys) const {
  if (const auto* s = std::get_if<submit>(&e)) impl_->wants(*s, now, keys);
  else if (const auto* o = std::get_if<overdue>(&e)) impl_->wants(*o, keys);
  else if (const auto* c = std::get_if<settle_credit>(&e)) impl_->wants(*c, keys);
  else if (const auto* out = std::get_if<opt_out>(&e)) keys.push_back(fact_key(fact_space::opt_out, {out->pool, out->number}));
}
void core::know(std::string_view key, fact&& f) { impl_->known[std::string{key}] = {std::move(f), true, false}; }
std::span<const fact_change> core::facts() const noexcept { return impl_->fact_changes; }
void core::finish(wall_time now) { impl_->finish(now); }
std::span<const record> core::records() const noexcept { return impl_->records; }
std::vector<action>& core::actions() noexcept { return impl_->actions; }
void core::committed() { impl_->committed(); }
wall_time core::next_deadline() const noexcept { return impl_->next_deadline(); }
void core::load(message&& m) { impl_->load(std::move(m)); }
void core::loaded(wall_time now, std::span<const attempt_ref> in_flight, sending_policy policy, message_id last_id) {
  impl_->loaded(now, in_flight, policy, last_id);
}
void core::adopt(message&& m, wall_time now) { impl_->adopt(std::move(m), now); }
void core::set_neighbours(neighbourhood n) { impl_->set_neighbours(std::move(n)); }
void core::hear(std::string_view note, wall_time now) { impl_->hear(note, now); }
std::span<const handover> core::given() const noexcept { return impl_->given; }
std::span<const note> core::notes() const noexcept { return impl_->notes; }
std::span<const presence> core::presences() const noexcept { return impl_->presences; }
void core::announce_links() {
  for (auto* ep : impl_->endpoints)
    if (!ep->links.empty()) impl_->note_presence(*ep);
}
std::vector<attempt_ref> core::abandon(std::vector<ingress_token>& unanswered) { return impl_->abandon(unanswered); }
bool core::has_link(std::uint64_t link) const noexcept { return impl_->endpoint_of_link.contains(link); }
const core_stats& core::stats() const noexcept { return impl_->stats; }
std::size_t core::active() const noexcept { return impl_->entries.size(); }

void core::set_routes(std::shared_ptr<const route_table> routes) {
  impl_->routes = std::move(routes);
  for (auto* ep : impl_->endpoints) impl_->reroute_waiting_of(*ep);
}

void core::set_policy(std::shared_ptr<const policy> rules) { impl_->rules = std::move(rules); }
void core::set_rewrites(std::shared_ptr<const rewrite_rules> rules) {
  impl_->rewrites = std::move(rules);
  ++impl_->rewrites_number;
  for (auto* ep : impl_->endpoints) impl_->reroute_waiting_of(*ep);
}
bool core::has_prepaid() const noexcept { return impl_->rules && impl_->rules->has_prepaid(); }
bool core::take_settlements() noexcept { return std::exchange(impl_->has_settlements, false); }
void core::announce(presence p) { impl_->presences.push_back(std::move(p)); }
std::vector<std::string> core::pool_names() const {
  return impl_->rules ? impl_->rules->pool_names() : std::vector<std::string>{};
}
bool core::joins_parts() const noexcept { return impl_->rules && impl_->rules->joins_parts(); }

std::vector<endpoint_view> core::endpoints() const {
  std::vector<endpoint_view> out;
  for (const auto* ep : impl_->endpoints) {
    endpoint_view v{.name = ep->name,
                    .up = ep->up(),
                    .links = ep->links.size(),
                    .in_flight = ep->in_flight.size,
                    .queued = ep->queued(),
                    .paused_until = ep->paused_until,
                    .breaker = ep->breaker,
                    .parts = ep->parts,
                    .reported = ep->reported};
    for (const auto& l : ep->links) v.capacity += l.capacity;
    out.push_back(v);
  }
  return out;
}

std::vector<traffic_view> core::traffic() const {
  std::vector<traffic_view> out;
  for (const auto& [account, settled] : impl_->unrouted) out.push_back({account, {}, settled});
  for (const auto* ep : impl_->endpoints)
    for (const auto& [account, settled] : ep->traffic) out.push_back({account, ep->name, settled});
  return out;
}

wall_time core::oldest_queued(std::string_view endpoint) const {
  constexpr std::size_t looked_at_max = 10'000;
  auto oldest = wall_time::max();
  const auto at = impl_->endpoint_by_name.find(endpoint);
  if (at == impl_->endpoint_by_name.end()) return oldest;
  for (const auto& list : at->second->ready) {
    std::size_t count = 0;
    for (const entry* e = list.head; e != nullptr && count < looked_at_max; e = e->next, ++count)
      oldest = std::min(oldest, e->p.accepted_at);
  }
  return oldest;
}

const message_progress* core::find(message_id id) const noexcept {
  const auto at = impl_->entries.find(id);
  return at == impl_->entries.end() ? nullptr : &at->second.p;
}

std::size_t core::in_flight() const noexcept {
  return impl_->stats.active[static_cast<std::size_t>(message_state::sending)];
}

// ---- bookkeeping every step uses ----------------------------------------------------------------------------------

void core::impl::set_state(entry& e, message_state s) {
  assert(may_follow(e.p.state, s));
  --stats.active[static_cast<std::size_t>(e.p.state)];
  e.p.state = s;
  ++stats.active[static_cast<std::size_t>(s)];
}

void core::impl::mark(entry& e) {
  touch(e);
  if (e.dirty) return;
  e.dirty = true;
  dirty.push_back(&e);
}

void core::impl::touch(entry& e) {
  if (e.touched) return;
  e.touched = true;
  touched.push_back(&e);
}

void core::impl::wake(endpoint& ep) {
  if (std::ranges::find(waking, &ep) == waking.end()) waking.push_back(&ep);
}

void core::impl::unlist(entry& e) {
  entry_list::remove(e);
  e.at = nullptr;
}

// ---- one batch ----------------------------------------------------------------------------------------------------

void core::impl::finish(wall_time now) {
  withdraw_opted_out(now);
  for (auto* ep : std::exchange(giving, {})) pump_later(*ep);
  on_due(now);
  reroute_slice(now);
  for (std::size_t i = 0; i < waking.size();) {  // pauses that ended, early reports that have waited long enough
    endpoint& ep = *waking[i];
    release_early(ep, now);
    if (ep.paused_until != wall_time{} && ep.paused_until <= now) {
      ep.paused_until = {};
      pump_later(ep);
    }
    if (ep.breaker == breaker_state::open && ep.broken_until <= now) try_again(ep);
    if (ep.paused_until == wall_time{} && ep.early.empty() && ep.breaker != breaker_state::open) waking.erase(waking.begin() + static_cast<std::ptrdiff_t>(i));
    else ++i;
  }
  for (auto* ep : to_pump) {
    ep->to_pump = false;
    pump(*ep, now);
  }
  to_pump.clear();
  collect_presences();
  for (auto* e : touched) {
    e->touched = false;
    set_deadline(*e);
  }
  touched.clear();
  records.reserve(dirty.size());
  for (const auto* e : dirty) records.push_back({e->id, e->is_new, e->content.get(), &e->p, e->is_replaced});
  for (const auto& [key, f] : known)
    if (f.changed) fact_changes.push_back({key, f.present ? &f.value : nullptr});
}

void core::impl::committed() {
  for (auto* e : dirty) {
    e->dirty = e->is_new = e->is_replaced = false;
    if (!e->p.settled && !e->given) continue;
    --stats.active[static_cast<std::size_t>(e->p.state)];
    entries.erase(e->id);
  }
  dirty.clear();
  records.clear();
  actions.clear();
  started.clear();
  ended.clear();
  forget_facts();
  searches = 0;
}

void core::impl::forget_facts() {
  given.clear();
  notes.clear();
  presences.clear();
  fact_changes.clear();
  if (!known.empty()) known.clear();
  opted_out.clear();
}

wall_time core::impl::next_deadline() const noexcept {
  if (!rerouting.empty() || !giving.empty()) return {};
  wall_time at = deadlines.empty() ? wall_time::max() : deadlines.top().deadline;
  for (const auto* ep : waking) {
    if (ep->paused_until != wall_time{}) at = std::min(at, ep->paused_until);
    if (!ep->early.empty()) at = std::min(at, ep->early.front().expires);
    if (ep->breaker == breaker_state::open) at = std::min(at, ep->broken_until);
  }
  return at;
}

// ---- restart and recovery -----------------------------------------------------------------------------------------

void core::impl::load(message&& m) {
  auto [at, fresh] = entries.try_emplace(m.id);
  if (!fresh) return;
  entry& e = at->second;
  e.id = m.id;
  e.content = std::move(m.content);
  e.p = std::move(m.progress);
  ++stats.active[static_cast<std::size_t>(e.p.state)];
  ids.advance_past(e.id);
}

void core::impl::loaded(wall_time now, std::span<const attempt_ref> in_flight, sending_policy policy,
                        message_id last_id) {
  ids.advance_past(last_id);
  std::unordered_map<message_id, const attempt_ref*> alive;
  for (const auto& ref : in_flight) alive.emplace(ref.id, &ref);
  std::vector<entry*> order;
  order.reserve(entries.size());
  for (auto& [id, e] : entries) order.push_back(&e);
  std::ranges::sort(order, {}, &entry::id);

  for (auto* e : order) {
    const auto ref = alive.find(e->id);
    resume(*e, ref == alive.end() ? nullptr : ref->second, policy, now);
  }
  for (const auto& r : std::exchange(kept_reports, {})) apply(r, now);
}

void core::impl::resume(entry& e, const attempt_ref* alive, sending_policy policy, wall_time now) {
  touch(e);
  endpoint& ep = endpoint_named(e.p.endpoint);
  for (std::size_t i = 0; i < e.p.segments.size(); ++i)
    if (e.p.segments[i].accepted && !is_final(e.p.segments[i].state)) correlate(e, i, ep);
  if (e.p.state == message_state::sent) return drop_body(e);
  if (e.p.state != message_state::sending) {
    if (e.p.next_attempt_at <= now) make_ready(e, now);
    return;
  }
  if (alive != nullptr && alive->attempt == e.p.attempts) {
    e.at = &ep;
    e.link = alive->link;
    e.attempt_order = ++attempt_order;
    ep.in_flight.push_back(e);
    if (auto* l = ep.find_link(e.link)) ++l->in_flight;
    return;
  }
  if (policy == sending_policy::attempt_unknown) {
    e.p.events.add(now, event_kind::recovered, e.p.attempts, 0, ep.name, {});
    on_unknown(ep, e, now);
  } else {
    requeue(e, now);
    push_ready(ep, e, false);
  }
}

void core::impl::adopt(message&& m, wall_time now) {
  const auto id = m.id;
  if (entries.contains(id)) return;
  ++stats.taken_in;
  load(std::move(m));
  resume(entries.at(id), nullptr, sending_policy::attempt_unknown, now);
}

std::vector<attempt_ref> core::impl::abandon(std::vector<ingress_token>& unanswered) {
  std::vector<attempt_ref> before = std::move(ended);
  std::unordered_map<message_id, std::uint32_t> begun;  // by this batch: never released
  for (const auto& s : started) begun[s.id] = s.attempt;
  for (auto* ep : endpoints) {
    for (const entry* e = ep->in_flight.head; e != nullptr; e = e->next) {
      const auto at = begun.find(e->id);
      if (at == begun.end() || at->second != e->p.attempts) before.push_back({e->id, e->p.attempts, e->link});
    }
    for (auto& r : ep->early) {
      if (r.what.passed_on) kept_reports.push_back(std::move(r.what));  // nobody will bring it again
      else unanswered.push_back(r.what.token);
    }
    ep->early.clear();
    ep->early_by_hash.clear();
    for (auto& l : ep->ready) l = {};
    ep->in_flight = {};
    for (auto& l : ep->links) l.in_flight = 0;
    ep->to_pump = false;
  }
  stats.early_reports = 0;
  stats.active = {};
  rerouting = {};
  deadlines.clear();
  correlations.clear();
  dirty.clear();
  touched.clear();
  to_pump.clear();
  giving.clear();
  records.clear();
  actions.clear();
  started.clear();
  ended.clear();
  forget_facts();
  searches = 0;
  entries.clear();
  return before;
}

}  // namespace msgkit::engine
