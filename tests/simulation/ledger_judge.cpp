// What must be true when everything is at rest.
#include <algorithm>

#include "ledger.hpp"

namespace msgkit::simulation {
namespace {

std::string trace_of(const engine::message& m) {
  std::string out;
  for (const auto& e : m.progress.events.entries())
    fmt::format_to(std::back_inserter(out), " {}{}{}{}", engine::name(e.kind), e.detail.empty() ? "" : "(", e.detail,
                   e.detail.empty() ? "" : ")");
  return out;
}

bool has_failed(engine::message_state s) {
  return engine::is_final(s) && s != engine::message_state::delivered;
}

}  // namespace

void ledger::judge(engine::store& s) {
  for (const auto& [name, r] : references_) judge_reference(name, r, s);
  judge_deliveries(s);
  judge_mails();
}

void ledger::judge_reference(const std::string& name, const reference_entry& r, engine::store& s) {
  for (const auto& id : r.accepted_ids) {
    const auto parsed = engine::message_id::parse(id);
    const auto found = parsed ? s.find(*parsed) : result<std::optional<engine::message>>{std::nullopt};
    if (!found || !*found) log_.fail("{} was acknowledged as {} and is lost", name, id);
  }
  const auto durable = durable_with("m " + name);
  if (r.is_taken && durable == 0) log_.fail("{} was told 250 and is lost", name);
  // A mail says which it is, so that a repetition is known for one.
  const auto asked = r.is_mail ? r.submits : (r.from_carrier ? 1 : r.accepted_ids.size()) + r.unanswered;
  if (durable > asked)
    log_.fail("{} is stored {} times; {} would be right: {} requests had no answer", name, durable, asked, r.unanswered);
  for (const auto& [part, count] : r.parts)
    if (count.seen - count.excused > durable)
      log_.fail("{} part {} was accepted {} times in the sight of the gateway ({} forgotten in crashes), stored {} times",
                name, part, count.seen, count.excused, durable);
  const auto [from, to] = by_key_.equal_range("m " + name);
  for (auto at = from; at != to; ++at) {
    if (!stored_[at->second].durable) continue;
    const auto found = s.find(at->second);
    if (!found || !*found) log_.fail("{} was stored as {} and is gone", name, at->second.text());
    else judge_message(name, r, **found);
  }
}

void ledger::judge_message(const std::string& reference, const reference_entry& r, const engine::message& m) {
  const auto& p = m.progress;
  if (!p.settled)
    return log_.fail("{} ({}) does not settle: {} at {}, attempts {},{}", reference, m.id.text(), engine::name(p.state),
                     p.endpoint, p.attempts, trace_of(m));
  if (has_failed(p.state)) judge_failed(reference, r, m);
  else if (!r.from_carrier) judge_delivered(reference, m);
  if (!engine::is_final(p.state)) return;  // sent, and nobody will tell more
  const auto bit = p.state == engine::message_state::delivered ? engine::receipt_on_success : engine::receipt_on_failure;
  const std::size_t due = (m.content->receipt_wanted & bit) != 0 ? 1 : 0;
  const auto made = durable_with("r " + m.id.text());
  if (made != due) log_.fail("{} ({}) has {} receipts; {} were asked for", reference, m.id.text(), made, due);
}

void ledger::judge_delivered(const std::string& reference, const engine::message& m) {
  const auto& segments = m.progress.segments;
  for (const auto& segment : segments) {
    const auto* a = find_acceptance(m.progress.endpoint, segment.carrier_id);
    if (!segment.accepted || a == nullptr || a->reference != reference)
      log_.fail("{} is {} but {} did not accept it", reference, engine::name(m.progress.state), m.progress.endpoint);
    else if (a->part_total != static_cast<int>(segments.size()))
      log_.fail("{} counts as {} parts, {} took one of {}", reference, segments.size(), m.progress.endpoint, a->part_total);
    else if (m.progress.state == engine::message_state::delivered && segment.receipt_expected &&
             !a->reported.contains(smpp::message_state::delivered))
      log_.fail("{} is delivered, and {} never said so", reference, m.progress.endpoint);
  }
}

// A message that failed needs a reason that somebody gave.
void ledger::judge_failed(const std::string& reference, const reference_entry& r, const engine::message& m) {
  const auto& p = m.progress;
  const auto reported = [&](smpp::message_state state) {
    return std::ranges::any_of(p.segments, [&](const engine::segment& s) {
      const auto* a = s.accepted ? find_acceptance(p.endpoint, s.carrier_id) : nullptr;
      return a != nullptr && a->reported.contains(state);
    });
  };
  const bool waited_in_vain = p.state == engine::message_state::unknown && p.failures < attempts_max_;
  for (const auto& segment : p.segments) {
    const auto* a = segment.accepted ? find_acceptance(p.endpoint, segment.carrier_id) : nullptr;
    if (waited_in_vain && a != nullptr && a->report_taken && !engine::is_final(segment.state))
      log_.fail("the receipt for {} ({}) was acknowledged and had no effect", segment.carrier_id, reference);
  }
  bool good = false;
  switch (p.state) {
    case engine::message_state::rejected: good = r.refused || reported(smpp::message_state::rejected); break;
    case engine::message_state::undelivered:
      good = p.failures >= attempts_max_ || reported(smpp::message_state::undeliverable);
      break;
    case engine::message_state::expired:
      good = p.valid_until <= p.done_at || reported(smpp::message_state::expired);
      break;
    case engine::message_state::unknown: good = p.failures >= attempts_max_ || p.done_at - p.sent_at >= report_wait_; break;
    default: break;
  }
  if (!good) log_.fail("{} ({}) ended as {} for no reason:{}", reference, m.id.text(), engine::name(p.state), trace_of(m));
}

void ledger::judge_deliveries(engine::store& s) {
  for (const auto& [key, d] : deliveries_) {
    const auto base = key.substr(0, key.find('.'));
    const auto durable = durable_with(base);
    if (d.seen - d.excused > durable)
      log_.fail("'{}' was acknowledged by the client {} times in the sight of the gateway ({} forgotten), stored {} times",
                key, d.seen, d.excused, durable);
  }
  for (const auto& [id, each] : stored_) {
    if (!each.durable) continue;
    if (each.reference.empty()) {
      const auto found = s.find(id);
      if (!found || !*found || !(*found)->progress.settled) {
        log_.fail("the receipt '{}' does not settle{}", each.key, found && *found ? trace_of(**found) : ": it is gone");
      } else if (has_failed((*found)->progress.state) && (*found)->progress.failures < attempts_max_) {
        log_.fail("the receipt '{}' ended as {}:{}", each.key, engine::name((*found)->progress.state), trace_of(**found));
      }
    }
    if (!each.delivered || (!each.reference.empty() && !references_[each.reference].from_carrier)) continue;
    const auto key = each.reference.empty() ? each.key : each.key + ".1";
    const auto at = deliveries_.find(key);
    if (at == deliveries_.end() || at->second.answered == 0 || at->second.seen == 0)
      log_.fail("'{}' counts as delivered, and the client has not acknowledged it", key);
  }
}

}  // namespace msgkit::simulation
