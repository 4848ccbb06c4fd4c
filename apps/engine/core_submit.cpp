// Submits and cancels: what becomes a message, and what is refused.
#include "engine/core_impl.hpp"

namespace msgkit::engine {
namespace {

bool within_limits(const message_content& c) {
  return c.body.size() <= body_octets_max && c.passthrough.size() <= passthrough_octets_max &&
         c.source.value.size() <= address_octets_max && c.destination.value.size() <= address_octets_max &&
         c.account.size() <= account_octets_max && c.reference.size() <= reference_octets_max &&
         c.service_type.size() <= service_type_octets_max && c.priority < priority_count;
}

}  // namespace

void core::impl::refuse(ingress_token token, refusal reason) {
  ++stats.refusals;
  actions.emplace_back(refused{token, reason});
}

std::optional<refusal> core::impl::check(const message_content& c, wall_time valid_until, wall_time now) {
  if (!within_limits(c)) return refusal::invalid;
  if (valid_until <= now) return refusal::expired;
  if (entries.size() >= options.active_messages_max) return refusal::queue_full;
  // Who does not collect his receipts gets no new ones: this keeps receipts, which are never dropped, bounded.
  if (c.receipt_wanted != 0) {
    const auto at = endpoint_by_name.find(c.account);
    if (at != endpoint_by_name.end() && at->second->queued() >= at->second->options->queue_max)
      return refusal::queue_full;
  }
  return std::nullopt;
}

entry& core::impl::add_entry(content_ptr content, wall_time valid_until, wall_time now, message_id id) {
  entry& e = entries.try_emplace(id).first->second;
  e.id = id;
  e.content = std::move(content);
  e.is_new = true;
  e.p.accepted_at = now;
  e.p.valid_until = valid_until;
  e.p.next_attempt_at = std::max(now, e.content->schedule_at);
  e.p.events.add(now, event_kind::accepted, 0, 0, {}, e.content->account);
  ++stats.active[static_cast<std::size_t>(e.p.state)];
  set_state(e, message_state::queued);
  mark(e);
  return e;
}

void core::impl::apply(const submit& s, wall_time now) {
  ++stats.submits;
  const message_content& c = *s.content;
  const wall_time valid_until = c.valid_until == wall_time{} ? now + options.validity_default : c.valid_until;
  if (const auto reason = check(c, valid_until, now)) return refuse(s.token, *reason);

  const message_id id = ids.next(now);
  const auto choice = routes->choose(c.destination.value, c.source.value, c.account, mix(id.key() ^ mix(0)));
  if (choice.empty()) return refuse(s.token, refusal::no_route);
  // The first endpoint that is up and has room; else the first that has room, to wait there.
  endpoint* target = nullptr;
  for (const auto name : choice.endpoints()) {
    endpoint& ep = endpoint_named(name);
    if (ep.queued() >= ep.options->queue_max) continue;
    if (target == nullptr || (ep.up() && !target->up())) target = &ep;
    if (target->up()) break;
  }
  if (target == nullptr) return refuse(s.token, refusal::queue_full);

  entry& e = add_entry(s.content, valid_until, now, id);
  e.p.endpoint = target->name;
  if (e.p.next_attempt_at <= now) push_ready(*target, e, false);
  actions.emplace_back(accepted{s.token, id});
}

void core::impl::apply(const cancel& c, wall_time now) {
  const auto at = entries.find(c.id);
  if (at == entries.end() || (!c.account.empty() && at->second.content->account != c.account))
    return refuse(c.token, refusal::not_found);
  entry& e = at->second;
  if (!may_follow(e.p.state, message_state::canceled)) return refuse(c.token, refusal::too_late);
  finalize(e, message_state::canceled, now);
  actions.emplace_back(cancel_done{c.token});
}

}  // namespace msgkit::engine
