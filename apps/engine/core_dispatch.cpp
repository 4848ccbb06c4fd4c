// Endpoints, links, queues and timers: which message goes where, and when.
#include <algorithm>

#include "engine/core_impl.hpp"

namespace msgkit::engine {

endpoint& core::impl::endpoint_named(std::string_view name) {
  if (const auto at = endpoint_by_name.find(name); at != endpoint_by_name.end()) return *at->second;
  auto made = std::make_unique<endpoint>();
  made->name = name;
  auto special = options.endpoints.find(name);
  if (special == options.endpoints.end())
    special = options.endpoints.find(std::string(name.substr(0, name.find(':'))) + ":*");
  made->options = special == options.endpoints.end() ? &options.endpoint_default : &special->second;
  made->tries = options.breaker.tries;
  if (const auto at = bound_elsewhere.find(made->name); at != bound_elsewhere.end()) made->elsewhere = &at->second;
  endpoints.push_back(made.get());
  const std::string_view key = made->name;
  return *endpoint_by_name.emplace(key, std::move(made)).first->second;
}

// ---- links --------------------------------------------------------------------------------------------------------

void core::impl::apply(const link_state& s, wall_time now) {
  endpoint& ep = endpoint_named(s.endpoint);
  if (s.up) link_up(ep, s);
  else link_down(ep, s.link, now);
}

void core::impl::link_up(endpoint& ep, const link_state& s) {
  const bool was_up = ep.up(), had_links = !ep.links.empty();
  if (auto* old = ep.find_link(s.link)) {
    old->sink = s.sink;
    old->capacity = s.capacity;
  } else {
    ep.links.push_back({s.link, s.sink, s.capacity, 0});
    endpoint_of_link[s.link] = &ep;
  }
  if (!had_links) note_presence(ep);
  pump_later(ep);
  // Messages may wait elsewhere for want of this endpoint.
  if (was_up || !routes->has_alternative(ep.name)) return;
  for (auto* other : endpoints)
    if (!other->up() && routes->has_alternative(other->name)) reroute_waiting_of(*other);
}

void core::impl::link_down(endpoint& ep, std::uint64_t id, wall_time now) {
  const auto at = std::ranges::find(ep.links, id, &link::id);
  if (at == ep.links.end()) return;
  ep.links.erase(at);
  endpoint_of_link.erase(id);
  if (ep.links.empty()) note_presence(ep);
  for (entry *e = ep.in_flight.head, *next = nullptr; e != nullptr; e = next) {
    next = e->next;
    if (e->link != id) continue;
    end_attempt(*e);
    set_error(*e, error_class::unknown, 0, "connection lost");
    on_unknown(ep, *e, now);
  }
  if (!ep.up() && routes->has_alternative(ep.name)) reroute_waiting_of(ep);
  pump_later(ep);
}

// ---- queues -------------------------------------------------------------------------------------------------------

// Null when no route matches any more, or none is within the price. A receipt goes back where its message came from; a message of which a carrier
// holds some segments stays with it.
endpoint* core::impl::choose_endpoint(entry& e, wall_time now) {
  if (e.content->kind == message_kind::receipt) return &endpoint_named(e.content->account);
  if (std::ranges::any_of(e.p.segments, &segment::accepted)) return &endpoint_named(e.p.endpoint);
  const auto& content = routed(e);
  if (e.way && !e.way->endpoint.empty()) return &endpoint_named(e.way->endpoint);
  const auto choice = choose_route(content, e.content->source, mix(e.id.key() ^ mix(e.p.attempts)), now);
  endpoint* first = nullptr;
  for (const auto name : choice.endpoints()) {
    endpoint& ep = endpoint_named(name);
    if (ep.up() && ep.queued() < ep.options->queue_max) return &ep;
    // None here can: one that has links at another instance is the next best.
    if (first == nullptr || (first->elsewhere == nullptr && ep.elsewhere != nullptr)) first = &ep;
  }
  return first;
}

void core::impl::make_ready(entry& e, wall_time now) {
  if (rules && defer(e, now)) return;
  if (auto* ep = choose_endpoint(e, now)) return push_ready(*ep, e, false);
  set_error(e, error_class::internal, 0, "no route");
  retry_or_give_up(e, message_state::undelivered, now);
}

void core::impl::push_ready(endpoint& ep, entry& e, bool front) {
  auto& list = ep.ready[routed(e).priority];
  e.at = &ep;
  if (front) list.push_front(e);
  else list.push_back(e);
  pump_later(ep);
}

void core::impl::pump_later(endpoint& ep) {
  if (ep.to_pump) return;
  ep.to_pump = true;
  to_pump.push_back(&ep);
}

void core::impl::pump(endpoint& ep, wall_time now) {
  if (ep.links.empty()) {
    if (ep.elsewhere != nullptr) give_away(ep, now);
    return;
  }
  if (draining || ep.paused_until > now || ep.breaker == breaker_state::open) return;
  for (std::size_t priority = priority_count; priority-- > 0;) {
    auto& list = ep.ready[priority];
    while (!list.empty()) {
      link* free = nullptr;
      for (std::size_t tried = 0; tried < ep.links.size() && free == nullptr; ++tried) {
        auto& l = ep.links[ep.cursor++ % ep.links.size()];
        if (l.in_flight < l.capacity) free = &l;
      }
      if (free == nullptr) return;
      // What waited long enough may have come into its recipient's night.
      if (rules && rules->has_quiet_hours() && defer(*list.head, now)) continue;
      if (ep.breaker == breaker_state::half_open && ep.in_flight.size >= options.breaker.tries) return;
      start_attempt(ep, *free, *list.head, now);
    }
  }
}

void core::impl::start_attempt(endpoint& ep, link& l, entry& e, wall_time now) {
  auto content = outgoing(ep, e, now);
  if (content == nullptr) return;  // a rule ended it
  entry_list::remove(e);
  set_state(e, message_state::sending);
  ++e.p.attempts;
  if (e.p.endpoint != ep.name) e.p.endpoint = ep.name;
  e.p.events.add(now, event_kind::attempt, e.p.attempts, 0, ep.name, {});
  e.at = &ep;
  e.link = l.id;
  e.attempt_order = ++attempt_order;
  ep.in_flight.push_back(e);
  ++l.in_flight;
  ++stats.attempts;
  mark(e);
  started.push_back({e.id, e.p.attempts, l.id});
  actions.emplace_back(send{l.sink, l.id, e.id, e.p.attempts, std::move(content), e.p.valid_until, e.p.segments});
}

// ---- circuit breaker ----------------------------------------------------------------------------------------------

void core::impl::note_outcome(endpoint& ep, attempt_outcome o, wall_time now) {
  switch (o) {
    case attempt_outcome::sent:
    case attempt_outcome::delivered:
    case attempt_outcome::permanent:
      ep.failures_in_a_row = 0;
      ep.times_open = 0;
      if (ep.breaker == breaker_state::half_open) ep.breaker = breaker_state::closed;
      return;
    case attempt_outcome::throttled:
    case attempt_outcome::not_sent: return;
    case attempt_outcome::temporary:
    case attempt_outcome::unknown: break;
  }
  ++ep.failures_in_a_row;
  if (options.breaker.failures == 0 || ep.breaker == breaker_state::open) return;
  if (ep.breaker == breaker_state::closed && ep.failures_in_a_row < options.breaker.failures) return;
  const auto doubled = options.breaker.open * (1u << std::min(ep.times_open, 20u));
  ep.broken_until = now + std::min<std::chrono::milliseconds>(doubled, options.breaker.open_maximum);
  ++ep.times_open;
  ep.breaker = breaker_state::open;
  ++stats.breaker_opened;
  wake(ep);
  if (routes->has_alternative(ep.name)) reroute_waiting_of(ep);
}

void core::impl::try_again(endpoint& ep) {
  ep.breaker = breaker_state::half_open;
  pump_later(ep);
}

// ---- going elsewhere ----------------------------------------------------------------------------------------------

void core::impl::reroute_waiting_of(endpoint& ep) {
  for (std::size_t priority = priority_count; priority-- > 0;) {
    auto& list = ep.ready[priority];
    while (!list.empty()) {
      entry& e = *list.head;
      unlist(e);
      rerouting.push_back(e);
    }
  }
}

void core::impl::reroute_slice(wall_time now) {
  for (std::size_t n = 0; n < reroutes_per_batch_max && !rerouting.empty(); ++n) {
    entry& e = *rerouting.head;
    unlist(e);
    make_ready(e, now);
  }
}

// ---- time ---------------------------------------------------------------------------------------------------------

void core::impl::on_due(wall_time now) {
  for (std::size_t n = 0; n < due_per_batch_max && !deadlines.empty() && deadlines.top().deadline <= now; ++n) {
    entry& e = deadlines.top();
    deadlines.remove(e);
    touch(e);
    if (e.p.state == message_state::sent) {
      set_error(e, error_class::unknown, 0, "no report came");
      finalize(e, message_state::unknown, now);
    } else if (e.p.state == message_state::queued) {
      if (e.p.valid_until <= now) {
        if (e.p.error.kind == error_class::none) set_error(e, error_class::expired, 0, {});
        finalize(e, message_state::expired, now);
      } else if (e.list == nullptr && e.p.next_attempt_at <= now) {
        make_ready(e, now);
      }
    }
  }
}

void core::impl::set_deadline(entry& e) {
  if (e.p.settled || e.given || e.p.state == message_state::sending) return deadlines.remove(e);
  if (e.p.state == message_state::sent) return deadlines.set(e, e.p.sent_at + options.report_wait);
  deadlines.set(e, e.list == nullptr ? std::min(e.p.next_attempt_at, e.p.valid_until) : e.p.valid_until);
}

}  // namespace msgkit::engine
