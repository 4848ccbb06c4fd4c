// Submits: what becomes a message, and what is refused. And what their account asks about them afterwards.
#include <algorithm>

#include "engine/core_impl.hpp"
#include "engine/text_fold.hpp"

namespace msgkit::engine {
namespace {

bool within_limits(const message_content& c) {
  return c.body.size() <= body_octets_max && c.passthrough.size() <= passthrough_octets_max &&
         c.source.value.size() <= address_octets_max && c.destination.value.size() <= address_octets_max &&
         c.account.size() <= account_octets_max && c.reference.size() <= reference_octets_max &&
         c.receipts_to.size() <= account_octets_max && c.service_type.size() <= service_type_octets_max &&
         c.priority < priority_count;
}

bool selects(const message_selector& what, message_id id, const message_content& c) {
  const auto agrees = [](const std::string& wanted, const std::string& value) { return wanted.empty() || wanted == value; };
  // An account's receipts are ours, not its messages.
  return (what.id == message_id{} || what.id == id) && c.kind != message_kind::receipt &&
         agrees(what.account, c.account) && agrees(what.source, c.source.value) &&
         agrees(what.destination, c.destination.value) && agrees(what.service_type, c.service_type);
}

}  // namespace

bool is_asked_about(const query& q, const message& m) { return selects(q.what, m.id, *m.content); }

query_done answer_to(const query& q, message_id id, const message_progress& p, content_ptr content, bool scheduled) {
  return {q.token, id, p.state, scheduled && p.state == message_state::queued, p.done_at, p.error.code, std::move(content)};
}

void core::impl::refuse(refused what) {
  ++stats.refusals;
  actions.emplace_back(what);
}

std::optional<refusal> core::impl::check(const message_content& c, wall_time valid_until, wall_time now) {
  if (!within_limits(c)) return refusal::invalid;
  if (valid_until <= now) return refusal::expired;
  if (entries.size() >= options.active_messages_max) return refusal::queue_full;
  // Who does not collect his receipts gets no new ones: this keeps receipts, which are never dropped, bounded.
  if (c.receipt_wanted != 0) {
    const auto at = endpoint_by_name.find(c.receipts_to.empty() ? c.account : c.receipts_to);
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
  if (s.extras && answer_repeated(s, now)) return;
  if (is_joined(s, now)) return apply_part(s, now);
  const message_content& c = *s.content;
  if (s.replace_if_present) {
    const wall_time valid_until = c.valid_until == wall_time{} ? now + options.validity_default : c.valid_until;
    if (const auto reason = check(c, valid_until, now)) return refuse(s.token, *reason);
    if (++searches > searches_per_batch_max) return refuse(s.token, refusal::queue_full);
    if (auto* waiting = find_waiting({{}, c.account, c.source.value, c.destination.value, c.service_type})) {
      waiting->p.valid_until = valid_until;
      replace_content(*waiting, std::make_shared<message_content>(c), now);
      actions.emplace_back(accepted{s.token, waiting->id, false});
      return;
    }
  }
  if (const entry* e = take(s, {}, now))
    actions.emplace_back(accepted{.token = s.token, .id = e->id, .repeatable = s.extras != nullptr &&
                                  !(s.extras->duplicate_id.empty() && s.extras->idempotency_key.empty())});
}

// In the order to try, within the account's price; those that deliver poorly last.
route_choice core::impl::choose_route(const message_content& c, const address& sender, std::uint64_t seed,
                                      wall_time now) const {
  auto choice = routes->choose({.destination = c.destination.value, .source = sender.value, .account = c.account,
                                .keyword = c.keyword, .now = now, .seed = seed,
                                .is_media = c.kind == message_kind::mms});
  if (const auto* a = rules ? rules->find(c.account) : nullptr; a != nullptr && a->rules.prices && a->rules.margin)
    choice.drop_dearer_than(a->rules.margin->cost_max(a->rules.prices->of(c.destination.value)));
  constexpr std::uint64_t salt = 0x71a1;
  if (choice.quality_min() != 0 && choice.endpoints().size() > 1 && mix(seed ^ salt) % quality_tries != 0)
    choice.put_last([&](std::string_view name) {
      const auto at = endpoint_by_name.find(name);
      return at != endpoint_by_name.end() && at->second->quality.is_below(choice.quality_min(), c.destination.value);
    });
  return choice;
}

entry* core::impl::take(const submit& s, message_id id, wall_time now) {
  content_ptr content = s.content;
  if (s.extras && !s.extras->text.empty() && routes->reads_keywords()) {
    auto with_keyword = std::make_shared<message_content>(*content);
    with_keyword->keyword = fold_word(s.extras->text, keyword_octets_max);
    content = std::move(with_keyword);
  }
  const message_content& c = *content;
  const auto refused_for = [&](refusal reason) {
    refuse(s.token, reason);
    return nullptr;
  };
  auto way = rewrites && rewrites->has_intake() ? rewrites->on_intake(content, now) : rewritten{.content = content};
  const message_content& onward = *way.content;
  const wall_time valid_until =
      onward.valid_until == wall_time{} ? now + options.validity_default : onward.valid_until;
  if (const auto reason = check(c, valid_until, now)) return refused_for(*reason);
  if (way.refused) {
    ++stats.ended_by_rule;
    return refused_for(*way.refused);
  }
  if (!within_limits(onward)) return refused_for(refusal::invalid);
  if (rules) {
    if (is_blocked(c, now) || (way.content != content && is_blocked(onward, now))) {
      ++stats.blocked;
      return refused_for(refusal::blocked);
    }
    if (!within_usage(s, c, now)) return nullptr;
  }
  const auto price = price_within_credit(s, c, now);
  if (!price) return nullptr;
  if (id == message_id{}) id = ids.next(now);
  if (rules && is_unwanted_notice(c)) {
    entry& e = add_entry(std::move(content), valid_until, now, id);
    if (s.extras) remember(s, id, now);
    set_error(e, error_class::permanent, 0, "a stop notice, which this number does not send");
    finalize(e, message_state::canceled, now);
    return &e;
  }
  const auto choice = choose_route(onward, c.source, mix(id.key() ^ mix(0)), now);
  const std::string_view forced[]{way.endpoint};
  const auto ways = way.endpoint.empty() ? choice.endpoints() : std::span<const std::string_view>{forced};
  if (ways.empty()) return refused_for(choice.is_too_dear() ? refusal::too_dear : refusal::no_route);
  // The first endpoint that is up and has room; else the first that has room, to wait there.
  endpoint* target = nullptr;
  for (const auto name : ways) {
    endpoint& ep = endpoint_named(name);
    if (ep.queued() >= ep.options->queue_max) continue;
    if (target == nullptr || (ep.up() && !target->up()) ||
        (!target->up() && target->elsewhere == nullptr && ep.elsewhere != nullptr))
      target = &ep;
    if (target->up()) break;
  }
  if (target == nullptr) return refused_for(refusal::queue_full);

  entry& e = add_entry(std::move(content), valid_until, now, id);
  e.p.endpoint = target->name;
  const bool dropped = way.dropped;
  if (!way.rules.empty()) e.p.events.add(now, event_kind::rewritten, 0, 0, {}, way.rules);
  keep_way(e, std::move(way));
  if (s.extras) remember(s, id, now);
  hold_credit(e, *price, now);
  if (rules) {
    charge_usage(s, *e.content, now);
    if (!read_keywords(s, now)) {  // it was for us, and we have it
      finalize(e, message_state::delivered, now);
      return &e;
    }
  }
  if (dropped) {
    ++stats.ended_by_rule;
    set_error(e, error_class::permanent, 0, "dropped by a rule");
    finalize(e, message_state::rejected, now);
    return &e;
  }
  if (rules && defer(e, std::max(now, e.p.next_attempt_at))) return &e;
  if (e.p.next_attempt_at <= now) push_ready(*target, e, false);
  return &e;
}

// ---- what an account asks about messages it gave us ----------------------------------------------------------------

// A message that may still be changed: by id, or the oldest that its numbers select.
entry* core::impl::find_waiting(const message_selector& what) {
  entry* oldest = nullptr;
  for (auto& [id, e] : entries)
    if (e.p.state == message_state::queued && e.p.segments.empty() && selects(what, id, *e.content) &&
        (oldest == nullptr || id < oldest->id))
      oldest = &e;
  return oldest;
}

void core::impl::replace_content(entry& e, std::shared_ptr<message_content> fresh, wall_time now) {
  e.content = std::move(fresh);
  e.way_of = 0;
  e.is_replaced = !e.is_new;
  e.p.events.add(now, event_kind::replaced, 0, 0, {}, {});
  // Its place in a queue belongs to its old priority and schedule.
  unlist(e);
  e.p.next_attempt_at = std::max({now, e.content->schedule_at, e.p.next_attempt_at});
  if (e.p.next_attempt_at <= now) push_ready(endpoint_named(e.p.endpoint), e, false);
  mark(e);
}

void core::impl::apply(const cancel& c, wall_time now) {
  if (c.what.id != message_id{}) {
    const auto at = entries.find(c.what.id);
    if (at == entries.end() || !selects(c.what, at->first, *at->second.content))
      return refuse(c.token, refusal::not_found);
    if (!may_follow(at->second.p.state, message_state::canceled)) return refuse(c.token, refusal::too_late);
    finalize(at->second, message_state::canceled, now);
  } else {
    if (++searches > searches_per_batch_max) return refuse(c.token, refusal::queue_full);
    std::vector<entry*> waiting;
    for (auto& [id, e] : entries)
      if (e.p.state == message_state::queued && selects(c.what, id, *e.content)) waiting.push_back(&e);
    std::ranges::sort(waiting, {}, &entry::id);
    for (auto* e : waiting) finalize(*e, message_state::canceled, now);
  }
  actions.emplace_back(cancel_done{c.token});
}

// Settled messages are not here: the processor asks the store.
void core::impl::apply(const query& q, wall_time now) {
  const auto at = entries.find(q.what.id);
  if (at == entries.end()) return;
  const auto& e = at->second;
  if (!selects(q.what, at->first, *e.content)) return refuse(q.token, refusal::not_found);
  actions.emplace_back(answer_to(q, at->first, e.p, e.content, e.content->schedule_at > now));
}

void core::impl::apply(const replace& r, wall_time now) {
  const auto at = entries.find(r.what.id);
  if (at == entries.end() || !selects(r.what, at->first, *at->second.content))
    return refuse(r.token, refusal::not_found);
  entry& e = at->second;
  if (e.p.state != message_state::queued || !e.p.segments.empty()) return refuse(r.token, refusal::too_late);
  auto fresh = std::make_shared<message_content>(*e.content);
  fresh->body = r.body;
  fresh->receipt_wanted = r.receipt_wanted;
  if (r.schedule_at) fresh->schedule_at = *r.schedule_at;
  if (r.valid_until) fresh->valid_until = *r.valid_until;
  const auto valid_until = !r.valid_until                    ? e.p.valid_until
                           : *r.valid_until == wall_time{} ? now + options.validity_default
                                                             : *r.valid_until;
  if (!within_limits(*fresh)) return refuse(r.token, refusal::invalid);
  if (valid_until <= now) return refuse(r.token, refusal::expired);
  e.p.valid_until = valid_until;
  if (r.schedule_at) e.p.next_attempt_at = std::max(now, *r.schedule_at);
  replace_content(e, std::move(fresh), now);
  actions.emplace_back(replace_done{r.token});
}

}  // namespace msgkit::engine
