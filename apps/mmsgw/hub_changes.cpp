// Messages that are withdrawn or get another content before they have arrived: ours, by the application, and those of
// peers, by their CancelReq and ReplaceReq.
#include <algorithm>

#include "common/log.hpp"
#include "mmsgw/hub.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mmsgw"};

bool is_with_peer(recipient_state s) {
  return s == recipient_state::sent || s == recipient_state::acknowledged || s == recipient_state::forwarded;
}

}  // namespace

std::optional<change_result> hub::cancel(const message& m) {
  change_result out;
  if (!store_->transaction([&] { return change_outbound(m, nullptr, out); })) return std::nullopt;
  soon();
  return out;
}

std::optional<change_result> hub::replace(message m, message_template content) {
  change_result out;
  content.id = m.content.id;
  if (!store_->transaction([&] { return change_outbound(m, &content, out); })) return std::nullopt;
  soon();
  return out;
}

// In a transaction. Who waits here is done with; of whom the peer knows, the peer is asked.
bool hub::change_outbound(const message& m, const message_template* content, change_result& out) {
  const auto kind = content == nullptr ? answer_kind::cancel : answer_kind::replace;
  const auto now = now_ms();
  for (const auto& r : m.recipients) {
    const recipient_key k{m.id, r.index};
    if (r.state == recipient_state::queued) {
      // Not due before the next moment: another process may hold the old content, and claims only what it found due.
      const auto due = std::max(now + 1, content == nullptr ? 0 : content->earliest_delivery * 1'000);
      const bool good = content == nullptr ? store_->set_state(k, r.state, recipient_state::canceled, r.attempts, 0)
                                           : store_->set_state(k, r.state, r.state, r.attempts, due);
      if (!good) return false;
      out.done.push_back(r.number);
      continue;
    }
    const auto carrier_id = is_with_peer(r.state) ? store_->carrier_id_of(k) : std::string();
    const auto colon = carrier_id.find(':');
    const auto* g = colon == std::string::npos ? nullptr : find(carrier_id.substr(0, colon));
    if (g == nullptr || !g->link->takes_changes()) {
      out.too_late.push_back(r.number);
      continue;
    }
    if (!store_->add_answer({.id = new_id(),
                             .message_id = m.id,
                             .gateway = g->link->name(),
                             .kind = kind,
                             .recipient = r.number,
                             .code = carrier_id.substr(colon + 1)}))
      return false;
    out.asked.push_back(r.number);
  }
  if (content != nullptr && !(out.done.empty() && out.asked.empty())) {
    auto changed = m;
    changed.content = *content;
    if (!store_->update_content(changed)) return false;
  }
  const auto state = content == nullptr ? event_state::canceled : event_state::replaced;
  return out.done.empty() || note(m, state, out.done, "", "before it was sent", "");
}

// In a transaction. What the peer's system said about it.
bool hub::keep_change(const answer_order& a, bool good, const std::string& why) {
  const auto m = store_->get_message(a.message_id);
  if (!m) return true;
  const auto r = std::ranges::find_if(m->recipients, [&](const recipient& one) { return one.number == a.recipient; });
  if (r == m->recipients.end()) return true;
  const bool is_cancel = a.kind == answer_kind::cancel;
  if (!good)
    return note(*m, event_state::rejected, {r->number}, "406",
                (is_cancel ? "the peer does not cancel: " : "the peer does not replace: ") + why, a.gateway);
  if (is_cancel && is_with_peer(r->state) &&
      !store_->set_state({m->id, r->index}, r->state, recipient_state::canceled, r->attempts, 0))
    return false;
  return note(*m, is_cancel ? event_state::canceled : event_state::replaced, {r->number}, "200", "by the peer",
              a.gateway);
}

// ---- from peers

void hub::change(const std::string& gateway_name, change_order c, std::function<void(change_fate)> done) {
  const auto fate = std::make_shared<change_fate>(change_fate::failed);
  later([this, gateway_name, c = std::move(c), fate] { return keep_change_order(gateway_name, c, *fate); },
        [this, fate, done = std::move(done)](bool good) {
          done(good ? *fate : change_fate::failed);
          soon();
        });
}

bool hub::keep_change_order(const std::string& gateway_name, const change_order& c, change_fate& fate) {
  fate = change_fate::unknown_message;
  auto m = store_->get_message(c.message_id);
  if (!m)
    if (const auto id = store_->find_inbound(linked_peer(gateway_name), c.message_id)) m = store_->get_message(*id);
  // Nobody changes what another peer has sent.
  if (!m || !m->is_inbound || m->gateway_id != gateway_name) return true;
  message_template content = m->content;
  if (c.content) {
    content.parts.clear();
    for (const auto& p : c.content->parts) {
      content.parts.push_back({.id = new_id(), .name = p.name, .type = p.type});
      if (!store_->put_media(content.parts.back().id, p.type, p.name, p.content)) return false;
    }
    if (c.content->parts.empty()) content.parts = m->content.parts;
    if (c.content->earliest_delivery != 0) content.earliest_delivery = c.content->earliest_delivery;
    if (c.content->drm) content.drm = c.content->drm;
    if (c.content->content_adaptation) content.content_adaptation = c.content->content_adaptation;
    if (c.content->can_redistribute) content.can_redistribute = c.content->can_redistribute;
    if (!c.content->content_class.empty()) content.content_class = c.content->content_class;
  }
  const auto* replacement = c.content ? &content : nullptr;
  bool is_changed = false;
  std::vector<std::string> kept;  // by the application, for whom nothing was passed on
  for (const auto& r : m->recipients) kept.push_back(r.number);
  for (const auto& id : m->relayed_as) {
    const auto out = store_->get_message(id);
    if (!out) continue;
    for (const auto& r : out->recipients) std::erase(kept, r.number);
    change_result result;
    if (!change_outbound(*out, replacement, result)) return false;
    is_changed = is_changed || !result.done.empty() || !result.asked.empty();
  }
  std::vector<std::string> withdrawn;
  for (auto& r : m->recipients) {
    const bool is_here = std::ranges::find(kept, r.number) != kept.end() && r.state == recipient_state::received;
    if (!is_here) continue;
    if (!c.content) r.state = recipient_state::canceled;
    withdrawn.push_back(r.number);
  }
  fate = is_changed || !withdrawn.empty() ? change_fate::done : change_fate::too_late;
  if (fate == change_fate::too_late) return true;
  if (c.content) m->content = content;
  if (!store_->update_content(*m)) return false;
  log_.info("a peer changes its message",
            {{"message", m->id}, {"gateway", gateway_name}, {"replaced", c.content.has_value()}});
  if (!note(*m, c.content ? event_state::replaced : event_state::canceled,
            withdrawn.empty() ? std::vector<std::string>{"*"} : withdrawn, "", "by the peer", gateway_name))
    return false;
  return !c.content || withdrawn.empty() || tell_received(*m, gateway_name);
}

}  // namespace msgkit::app::mms
