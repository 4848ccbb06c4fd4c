// Delivery reports of carriers: finding the message, waiting for a submit answer that is late, telling repetitions.
#include <algorithm>

#include "engine/core_impl.hpp"

namespace msgkit::engine {

void core::impl::correlate(entry& e, std::size_t index, endpoint& ep) {
  const segment& s = e.p.segments[index];
  if (!s.receipt_expected || s.carrier_id.empty()) return;
  const auto normal = normal_form(s.carrier_id, ep.options->ids.submit);
  correlations.emplace(correlation_hash(ep.name, normal), correlation{&e, static_cast<std::uint16_t>(index)});
}

void core::impl::uncorrelate(entry& e) {
  for (const auto& s : e.p.segments) {
    if (!s.accepted || !s.receipt_expected || s.carrier_id.empty()) continue;
    const endpoint& ep = endpoint_named(e.p.endpoint);
    auto [at, end] = correlations.equal_range(correlation_hash(ep.name, normal_form(s.carrier_id, ep.options->ids.submit)));
    while (at != end) at = at->second.e == &e ? correlations.erase(at) : std::next(at);
  }
}

// Carriers reuse their ids after a while: the latest message counts.
std::optional<core::impl::correlation> core::impl::match(std::uint64_t hash, const std::string& normal,
                                                         const endpoint& ep) {
  std::optional<correlation> best;
  const auto [from, to] = correlations.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    const correlation& c = at->second;
    if (best && c.e->id < best->e->id) continue;
    if (c.e->p.endpoint == ep.name &&
        normal_form(c.e->p.segments[c.segment].carrier_id, ep.options->ids.submit) == normal)
      best = c;
  }
  return best;
}

void core::impl::answer(const report& r, report_outcome outcome) {
  switch (outcome) {
    case report_outcome::applied: ++stats.reports_applied; break;
    case report_outcome::no_effect: ++stats.reports_no_effect; break;
    case report_outcome::unmatched: ++stats.reports_unmatched; break;
    case report_outcome::passed_on: ++stats.reports_passed_on; break;
  }
  if (r.passed_on) return;  // the carrier has its answer
  actions.emplace_back(report_done{r.token, outcome});
}

void core::impl::apply(const report& r, wall_time now) {
  endpoint& ep = endpoint_named(r.endpoint);
  auto normal = normal_form(r.carrier_id, ep.options->ids.report);
  const auto hash = correlation_hash(ep.name, normal);
  if (const auto found = match(hash, normal, ep))
    return answer(r, on_report(*found->e, found->segment, r, now));
  // Only an attempt whose answer is outstanding can still turn out to be meant.
  if (r.carrier_id.empty() || ep.in_flight.empty()) return pass_on(r);
  if (stats.early_reports >= options.early_reports_max) {
    if (r.passed_on) return answer(r, report_outcome::unmatched);
    return refuse(r.token, refusal::queue_full);
  }
  ++stats.early_reports;
  const auto at = ep.early.insert(
      ep.early.end(),
      early_report{r, std::move(normal), hash, ++early_order, attempt_order, now + options.early_report_wait});
  ep.early_by_hash.emplace(hash, at);
  wake(ep);
}

// Its peer may have taken it already, only we were not told. What the peer says about it counts once it has taken it in
// our sight; until then it shall keep that, as nobody else would.
bool core::impl::will_be_sent_again(message_id id) const {
  const auto at = entries.find(id);
  if (at == entries.end() || at->second.p.attempts == 0) return false;
  return at->second.p.state == message_state::queued || at->second.p.state == message_state::sending;
}

report_outcome core::impl::on_report(entry& e, std::size_t index, const report& r, wall_time now) {
  segment& s = e.p.segments[index];
  const bool intermediate = r.intermediate || !is_final(r.state);
  if (is_final(s.state)) return report_outcome::no_effect;
  std::string detail{name(r.state)};
  if (!r.text.empty()) detail.append(" ").append(r.text);
  e.p.events.add(now, event_kind::report, e.p.attempts, r.code, e.p.endpoint, detail);
  mark(e);
  const wall_time done_at = r.done_at == wall_time{} ? now : r.done_at;
  if (intermediate) {
    if ((e.content->receipt_wanted & receipt_intermediate) != 0 && entries.size() < options.active_messages_max)
      create_receipt(e, message_state::sent, true, done_at, now);
    return report_outcome::applied;
  }
  s.state = r.state;
  ++endpoint_named(e.p.endpoint).reported[static_cast<std::size_t>(r.state)];
  if (r.state != message_state::delivered) set_error(e, error_class::permanent, r.code, r.text);
  else if (e.p.error.kind == error_class::none && r.code != 0) set_error(e, error_class::none, r.code, r.text);
  evaluate_segments(e, done_at, now);
  return report_outcome::applied;
}

// A message has arrived when all its parts have; one lost part makes the whole unreadable, hence the worst counts.
void core::impl::evaluate_segments(entry& e, wall_time done_at, wall_time now) {
  if (e.p.state != message_state::sent) return;
  bool any = false;
  message_state worst = message_state::delivered;
  for (const auto& s : e.p.segments) {
    if (!s.receipt_expected) continue;
    any = true;
    if (!is_final(s.state)) return;
    worst = worse(worst, s.state);
  }
  if (any) finalize(e, worst, now, done_at);
  else settle(e, now);  // nobody will tell more
}

void core::impl::replay_early(entry& e, endpoint& ep, wall_time now) {
  if (ep.early.empty()) return;
  for (std::size_t i = 0; i < e.p.segments.size() && !e.p.settled; ++i) {
    if (!e.p.segments[i].accepted || e.p.segments[i].carrier_id.empty()) continue;
    const auto normal = normal_form(e.p.segments[i].carrier_id, ep.options->ids.submit);
    const auto hash = correlation_hash(ep.name, normal);
    auto [at, end] = ep.early_by_hash.equal_range(hash);
    std::vector<std::list<early_report>::iterator> meant;
    while (at != end) {
      if (at->second->normal != normal) {
        ++at;
        continue;
      }
      meant.push_back(at->second);
      at = ep.early_by_hash.erase(at);
    }
    std::ranges::sort(meant, {}, [](const auto& it) { return it->order; });
    for (const auto& it : meant) {
      answer(it->what, on_report(e, i, it->what, now));
      ep.early.erase(it);
      --stats.early_reports;
    }
  }
}

// Whoever could have been meant has answered by now, or it took too long.
void core::impl::release_early(endpoint& ep, wall_time now) {
  const std::uint64_t oldest = ep.in_flight.empty() ? UINT64_MAX : ep.in_flight.head->attempt_order;
  while (!ep.early.empty() && (ep.early.front().barrier < oldest || ep.early.front().expires <= now)) {
    const auto front = ep.early.begin();
    auto [at, end] = ep.early_by_hash.equal_range(front->hash);
    while (at != end) at = at->second == front ? ep.early_by_hash.erase(at) : std::next(at);
    pass_on(front->what);
    ep.early.erase(front);
    --stats.early_reports;
  }
}

}  // namespace msgkit::engine
