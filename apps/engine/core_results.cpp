// How attempts end, what follows from it, and receipts for the origin.
#include <algorithm>

#include "engine/core_impl.hpp"

namespace msgkit::engine {
namespace {

constexpr event_kind event_of(message_state final_state) noexcept {
  constexpr int distance = static_cast<int>(event_kind::delivered) - static_cast<int>(message_state::delivered);
  return static_cast<event_kind>(static_cast<int>(final_state) + distance);
}
static_assert(event_of(message_state::delivered) == event_kind::delivered);
static_assert(event_of(message_state::unknown) == event_kind::unknown);

// A connector that keeps giving messages back without sending them must not make the engine spin.
constexpr std::uint8_t not_sent_streak_max = 3;
constexpr std::chrono::milliseconds not_sent_delay{1'000};

}  // namespace

void core::impl::apply(const attempt_result& r, wall_time now) {
  const auto at = entries.find(r.id);
  if (at == entries.end() || at->second.p.state != message_state::sending || at->second.p.attempts != r.attempt) {
    ++stats.results_stale;
    return;
  }
  entry& e = at->second;
  endpoint& ep = *e.at;
  end_attempt(e);
  merge_segments(e, r, ep);
  if (r.outcome != attempt_outcome::not_sent) e.not_sent_streak = 0;
  note_outcome(ep, r.outcome, now);
  const auto note = [&](event_kind kind, error_class why) {
    set_error(e, why, r.code, r.text);
    e.p.events.add(now, kind, e.p.attempts, r.code, ep.name, r.text);
  };
  switch (r.outcome) {
    case attempt_outcome::sent: on_sent(ep, e, now); break;
    case attempt_outcome::delivered:
      ep.pause = {};
      finalize(e, message_state::delivered, now);
      break;
    case attempt_outcome::temporary:
      note(event_kind::attempt_failed, error_class::temporary);
      retry_or_give_up(e, message_state::undelivered, now);
      break;
    case attempt_outcome::permanent:
      note(event_kind::attempt_rejected, error_class::permanent);
      finalize(e, message_state::rejected, now);
      break;
    case attempt_outcome::throttled:
      note(event_kind::attempt_throttled, error_class::throttled);
      on_throttled(ep, e, now);
      break;
    case attempt_outcome::unknown:
      set_error(e, error_class::unknown, r.code, r.text);
      on_unknown(ep, e, now);
      break;
    case attempt_outcome::not_sent: on_not_sent(ep, e, now); break;
  }
  if (!e.p.settled) replay_early(e, ep, now);
}

void core::impl::end_attempt(entry& e) {
  endpoint& ep = *e.at;
  if (auto* l = ep.find_link(e.link); l != nullptr && l->in_flight > 0) --l->in_flight;
  ended.push_back({e.id, e.p.attempts, e.link});
  unlist(e);
  pump_later(ep);
}

void core::impl::merge_segments(entry& e, const attempt_result& r, endpoint& ep) {
  auto& segments = e.p.segments;
  const std::size_t count = std::min(r.segments.size(), segments_max);
  if (segments.size() < count) segments.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    segment& s = segments[i];
    if (s.accepted || !r.segments[i].accepted) continue;
    s.accepted = true;
    s.receipt_expected = r.segments[i].receipt_expected;
    s.state = message_state::sent;
    s.carrier_id.assign(r.segments[i].carrier_id, 0, carrier_id_octets_max);
    ++ep.parts;
    correlate(e, i, ep);
  }
  // Nothing taken: the next attempt starts afresh and may go elsewhere.
  if (std::ranges::none_of(segments, &segment::accepted)) segments.clear();
}

void core::impl::on_sent(endpoint& ep, entry& e, wall_time now) {
  ep.pause = {};
  e.p.error = {};
  set_state(e, message_state::sent);
  e.p.sent_at = now;
  e.sent_as = nullptr;
  e.p.events.add(now, event_kind::attempt_sent, e.p.attempts, 0, ep.name,
                 e.p.segments.empty() ? std::string_view{} : std::string_view{e.p.segments.front().carrier_id});
  mark(e);
  if ((e.content->receipt_wanted & receipt_on_sent) != 0 && entries.size() < options.active_messages_max)
    create_receipt(e, message_state::sent, true, now, now);
  evaluate_segments(e, now, now);
  if (e.p.settled) return;
  erase_text(e);
  drop_body(e);
}

// The endpoint rests; the message was not at fault and stays first in line.
void core::impl::on_throttled(endpoint& ep, entry& e, wall_time now) {
  requeue(e, now);
  push_ready(ep, e, true);
  if (ep.paused_until > now) return;  // others of the same window said so already
  ep.pause = ep.pause.count() == 0 ? options.throttle_initial : std::min(ep.pause * 2, options.throttle_maximum);
  ep.paused_until = now + ep.pause;
  wake(ep);
}

void core::impl::on_unknown(endpoint& ep, entry& e, wall_time now) {
  e.p.events.add(now, event_kind::attempt_unknown, e.p.attempts, e.p.error.code, ep.name, e.p.error.text);
  if (ep.options->on_unknown.value_or(options.on_unknown) == unknown_policy::fail)
    return finalize(e, message_state::unknown, now);
  retry_or_give_up(e, message_state::unknown, now);
}

void core::impl::on_not_sent(endpoint& ep, entry& e, wall_time now) {
  e.p.events.add(now, event_kind::attempt_not_sent, e.p.attempts, 0, ep.name, {});
  if (++e.not_sent_streak > not_sent_streak_max) return requeue(e, now + not_sent_delay);
  requeue(e, now);
  if (ep.up()) push_ready(ep, e, true);
  else make_ready(e, now);
}

void core::impl::requeue(entry& e, wall_time next_attempt_at) {
  set_state(e, message_state::queued);
  e.p.next_attempt_at = next_attempt_at;
  mark(e);
}

void core::impl::retry_or_give_up(entry& e, message_state when_used_up, wall_time now) {
  if (++e.p.failures >= options.attempts_max) return finalize(e, when_used_up, now);
  ++stats.retries;
  const auto next = now + backoff_delay(options.retry, e.p.failures - 1, e.id.key());
  if (e.p.state == message_state::sending) return requeue(e, next);
  e.p.next_attempt_at = next;
  mark(e);
}

void core::impl::set_error(entry& e, error_class kind, std::uint32_t code, std::string_view text) {
  e.p.error.kind = kind;
  e.p.error.code = code;
  e.p.error.text = text.substr(0, error_text_octets_max);
}

// ---- the end of a message -----------------------------------------------------------------------------------------

void core::impl::finalize(entry& e, message_state state, wall_time now, wall_time done_at) {
  unlist(e);
  note_quality(e, state);
  set_state(e, state);
  e.p.events.add(now, event_of(state), 0, 0, {}, {});
  const std::uint8_t wanted = state == message_state::delivered ? receipt_on_success : receipt_on_failure;
  if ((e.content->receipt_wanted & wanted) != 0) create_receipt(e, state, false, done_at, now);
  settle(e, now);
}

// What came of a message that the endpoint had; before the state changes.
void core::impl::note_quality(entry& e, message_state state) {
  if (!routes->reads_quality() || e.content->kind != message_kind::sms || state == message_state::canceled) return;
  if (e.p.state != message_state::sent && e.p.state != message_state::sending) return;
  endpoint_named(e.p.endpoint).quality.add(routed(e).destination.value, state == message_state::delivered);
}

void core::impl::settle(entry& e, wall_time now) {
  e.p.settled = true;
  e.p.done_at = now;
  uncorrelate(e);
  ++stats.settled[static_cast<std::size_t>(e.p.state)];
  if (e.content->kind == message_kind::sms) {
    auto& traffic = e.p.endpoint.empty() ? unrouted : endpoint_named(e.p.endpoint).traffic;
    auto at = traffic.find(e.content->account);
    if (at == traffic.end()) at = traffic.try_emplace(e.content->account).first;
    ++at->second[static_cast<std::size_t>(e.p.state)];
  }
  note_settlement(e);
  erase_text(e);
  mark(e);
}

// Where the sender's or the recipient's account asks for it, in the store too.
void core::impl::erase_text(entry& e) {
  if (!rules || !rules->erases_text()) return;
  const message_content& c = *e.content;
  if (c.body.empty() && c.passthrough.empty() && c.keyword.empty()) return;
  const auto asks = [this](std::string_view account) {
    const auto* found = rules->find(account);
    return found != nullptr && found->rules.erase_text;
  };
  if (!asks(c.account) && !asks(e.p.endpoint)) return;
  auto rest = std::make_shared<message_content>(c);
  rest->body.clear();
  rest->passthrough.clear();
  rest->keyword.clear();
  rest->user_data_header = false;
  e.content = std::move(rest);
  e.is_replaced = !e.is_new;
  ++stats.texts_erased;
}

void core::impl::create_receipt(entry& e, message_state state, bool intermediate, wall_time done_at, wall_time now) {
  if (e.content->kind == message_kind::receipt) return;
  const message_content& c = *e.content;
  auto made = std::make_shared<message_content>();
  made->kind = message_kind::receipt;
  made->account = c.receipts_to.empty() ? c.account : c.receipts_to;
  made->source = c.destination;
  made->destination = c.source;
  made->reference = c.reference;
  made->service_type = c.service_type;
  made->priority = c.priority;
  auto& r = made->receipt.emplace();
  r.receipt_of = e.id;
  r.state = state;
  r.intermediate = intermediate;
  r.error_code = e.p.error.code;
  r.error_text = e.p.error.text;
  r.submitted_at = e.p.accepted_at;
  r.done_at = done_at == wall_time{} ? now : done_at;
  r.segments_submitted = static_cast<std::uint16_t>(std::max<std::size_t>(1, e.p.segments.size()));
  r.segments_delivered = static_cast<std::uint16_t>(
      e.p.segments.empty() ? state == message_state::delivered
                           : static_cast<std::size_t>(std::ranges::count(e.p.segments, message_state::delivered,
                                                                         &segment::state)));
  if (!c.receipts_to.empty()) {
    r.endpoint = e.p.endpoint;
    if (!e.p.segments.empty()) r.carrier_id = e.p.segments.front().carrier_id;
  }
  entry& made_entry = add_entry(std::move(made), now + options.receipt_validity, now, ids.next(now));
  e.p.events.add(now, event_kind::receipt_created, 0, 0, {}, made_entry.id.text());
  endpoint& ep = endpoint_named(made_entry.content->account);
  made_entry.p.endpoint = ep.name;
  push_ready(ep, made_entry, false);
  ++stats.receipts_created;
}

// A message that waits for its report needs no text any more, and there may be a million of them.
void core::impl::drop_body(entry& e) {
  const message_content& c = *e.content;
  if (e.is_new || e.is_replaced || (c.body.empty() && c.passthrough.empty())) return;
  auto lean = std::make_shared<message_content>();
  lean->kind = c.kind;
  lean->account = c.account;
  lean->source = c.source;
  lean->destination = c.destination;
  lean->reference = c.reference;
  lean->service_type = c.service_type;
  lean->receipt_wanted = c.receipt_wanted;
  lean->receipts_to = c.receipts_to;
  lean->priority = c.priority;
  e.content = std::move(lean);
}

}  // namespace msgkit::engine
