// What the hub hears from peers: reports about what was sent, and messages.
#include <algorithm>
#include <charconv>
#include <map>

#include "common/log.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/model_json.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mmsgw"};

// Of the state that an event moves a recipient to; nothing for events that move nobody.
std::optional<recipient_state> state_after(event_state s) noexcept {
  switch (s) {
    case event_state::sent: return recipient_state::sent;
    case event_state::acknowledged: return recipient_state::acknowledged;
    case event_state::forwarded: return recipient_state::forwarded;
    case event_state::delivered: return recipient_state::delivered;
    case event_state::failed: return recipient_state::failed;
    default: return std::nullopt;
  }
}

// "0123...-2": ours, the message and the index of the recipient.
std::optional<recipient_key> parse_transaction(std::string_view id) {
  id = id.substr(0, id.find('@'));
  const auto dash = id.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  recipient_key k{std::string(id.substr(0, dash)), 0};
  const auto digits = id.substr(dash + 1);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), k.index);
  if (ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return k;
}

}  // namespace

// ---- reports

void hub::acknowledged(const std::string& gateway_name, acknowledgement a, std::function<void(report_fate)> done) {
  const auto fate = std::make_shared<report_fate>(report_fate::recorded);
  later(
      [this, gateway_name, a = std::move(a), fate] {
        const auto k = parse_transaction(a.transaction_id);
        const auto m = k ? store_->get_message(k->message_id) : std::nullopt;
        if (!m || m->is_inbound || k->index >= m->recipients.size()) {
          *fate = report_fate::unknown_message;
          return true;
        }
        const auto& to = m->recipients[k->index];
        if (to.state >= recipient_state::acknowledged) return true;  // late, or repeated
        if (a.is_good)
          return store_->set_state(*k, to.state, recipient_state::acknowledged, to.attempts, 0) &&
                 note(*m, event_state::acknowledged, {to.number}, a.code, a.text, gateway_name);
        if (a.may_try_again) return retry_or_fail(*m, to, to.attempts, a.code, a.text, gateway_name);
        failed_.add();
        return fail(*m, to, a.code, a.text, gateway_name);
      },
      [this, fate, done = std::move(done)](bool good) {
        done(good ? *fate : report_fate::failed);
        soon();
      });
}

void hub::reported(const std::string& gateway_name, report r, std::function<void(report_fate)> done) {
  const auto fate = std::make_shared<report_fate>(report_fate::recorded);
  later([this, gateway_name, r = std::move(r), fate] { return keep_report(gateway_name, r, *fate); },
        [this, fate, done = std::move(done)](bool good) {
          done(good ? *fate : report_fate::failed);
          soon();
        });
}

bool hub::keep_report(const std::string& gateway_name, const report& r, report_fate& fate) {
  fate = report_fate::recorded;
  const auto k = store_->find_by_carrier_id(r.message_id);
  const auto m = store_->get_message(k ? k->message_id : r.message_id.substr(0, r.message_id.find('@')));
  const recipient* to = nullptr;
  const auto* g = find(gateway_name);
  if (m && !m->is_inbound) {
    const auto numbers = g != nullptr ? g->options.addressing : addressing{};
    for (const auto& one : m->recipients)
      if (k ? one.index == k->index : numbers.is_same(one.number, r.number)) to = &one;
    // A report that names nobody is about the only recipient there is.
    if (to == nullptr && m->recipients.size() == 1 && r.number.empty()) to = &m->recipients.front();
  }
  if (to == nullptr) {
    // Over MM7 a report may overtake the answer that says what the peer calls the message.
    if (g != nullptr && store_->has_open_attempts(g->link->group()))
      return store_->keep_early(r.message_id, now_ms(),
                                to_text(event{r.state, r.code, r.text, gateway_name, now_ms(), {r.number}}));
    fate = report_fate::unknown_message;
    return true;
  }
  const auto state = state_after(r.state);
  const bool is_final = to->state == recipient_state::delivered || to->state == recipient_state::failed;
  if (state && (is_final || *state <= to->state)) return true;  // repeated, or overtaken
  return (!state || store_->set_state({m->id, to->index}, to->state, *state, to->attempts, 0)) &&
         note(*m, r.state, {to->number}, r.code, r.text, gateway_name);
}

bool hub::keep_early_reports(const std::string& carrier_id, const std::string& gateway_name) {
  std::vector<std::string> bodies;
  if (!store_->take_early(carrier_id, bodies)) return false;
  return std::ranges::all_of(bodies, [&](const std::string& body) {
    const auto e = event_from_text(body);
    report_fate fate{};
    return !e || keep_report(gateway_name,
                             {.message_id = carrier_id,
                              .number = e->destinations.empty() ? "" : e->destinations.front(),
                              .state = e->state,
                              .code = e->code,
                              .text = e->description},
                             fate);
  });
}

// ---- in

void hub::receive(const std::string& gateway_name, message m, std::vector<inbound_part> parts,
                  std::function<void(intake, const std::string&)> done) {
  struct arrival {
    message m;
    std::vector<inbound_part> parts;
    intake outcome = intake::failed;
    std::string kept_id{};
  };
  const auto a = std::make_shared<arrival>(arrival{std::move(m), std::move(parts)});
  later(
      [this, gateway_name, a] {
        auto kept = a->m;  // the work may have to be done again
        if (!keep_inbound(gateway_name, kept, a->parts, a->outcome)) return false;
        a->kept_id = kept.id;
        return true;
      },
      [this, a, done = std::move(done)](bool good) {
        if (!good) a->outcome = intake::failed;
        else (a->outcome == intake::stored ? received_ : repeated_).add();
        done(a->outcome, a->kept_id);
        soon();
      });
}

bool hub::keep_inbound(const std::string& gateway_name, message& m, const std::vector<inbound_part>& parts,
                       intake& outcome) {
  m.is_inbound = true;
  m.gateway_id = gateway_name;
  m.created_ms = m.processed_ms = now_ms();
  m.id = m.content.id = inline_message_id(new_id());
  bool is_good = true;
  // Without an id of the peer's nothing can be recognised.
  if (!m.peer_ref.empty())
    std::erase_if(m.recipients, [&](const recipient& r) {
      const auto is_new = store_->remember_inbound(gateway_name, m.peer_ref, r.number, m.id, m.created_ms);
      is_good = is_good && is_new;
      return is_new == false;
    });
  if (!is_good) return false;
  if (m.recipients.empty()) {
    m.id = store_->find_inbound(gateway_name, m.peer_ref).value_or("");
    outcome = intake::repeated;
    return order_answers(m, gateway_name, {}, true);
  }
  outcome = intake::stored;
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < m.recipients.size(); ++i) {
    m.recipients[i].index = i;
    m.recipients[i].state = recipient_state::received;
    numbers.push_back(m.recipients[i].number);
  }
  const auto contents = place_parts(m, parts, gateway_name);
  if (!contents) return false;
  auto out = relay_of(m, gateway_name);
  if (out) route_now(*out, gateway_name);
  if (out) m.relayed_as.push_back(out->id);
  const event e{event_state::received, "", "", gateway_name, m.created_ms, numbers};
  m.first_event = to_text(e);
  if (!store_->insert_inbound(m, *contents)) return false;
  if (!m.linked_id.empty() &&
      !store_->remember_inbound(linked_peer(gateway_name), m.linked_id, m.id, m.id, m.created_ms))
    return false;
  // What is passed on is for the peer that gets it to report about.
  std::vector<std::string> kept;
  for (const auto& n : numbers)
    if (!options_.routes.covers(gateway_name, n)) kept.push_back(n);
  return announce(m, e) && (kept.empty() || tell_received(m, gateway_name)) &&
         order_answers(m, gateway_name, kept, false) && (!out || relay(*out));
}

// The contents of small messages go into their row, unless others need them, too. Nothing: the store failed.
std::optional<std::string> hub::place_parts(message& m, const std::vector<inbound_part>& parts,
                                            const std::string& gateway_name) {
  std::size_t octets = 0;
  for (const auto& p : parts) octets += p.content.size();
  const bool is_relayed = std::ranges::any_of(
      m.recipients, [&](const recipient& r) { return options_.routes.covers(gateway_name, r.number); });
  const bool is_inline = octets > 0 && octets <= inline_octets_max && !is_relayed;
  std::string contents;
  m.content.parts.clear();
  for (const auto& p : parts) {
    if (is_inline) {
      m.content.parts.push_back({.id = inline_part_id(m.id, m.content.parts.size()),
                                 .name = p.name,
                                 .type = p.type,
                                 .is_inline = true,
                                 .inline_at = static_cast<std::int64_t>(contents.size()),
                                 .inline_octets = static_cast<std::int64_t>(p.content.size())});
      contents += p.content;
      continue;
    }
    m.content.parts.push_back({.id = new_id(), .name = p.name, .type = p.type});
    if (!store_->put_media(m.content.parts.back().id, p.type, p.name, p.content)) return std::nullopt;
  }
  return contents;
}

bool hub::tell_received(const message& m, const std::string& gateway_name) {
  auto urls = options_.received_urls;
  if (const auto* g = find(gateway_name))
    for (const auto& u : g->options.received_urls)
      if (std::ranges::find(urls, u) == urls.end()) urls.push_back(u);
  return urls.empty() || call_back(urls, received_text(m, options_.media_prefix));
}

// Those that the gateway gives by itself. A repeated message gets its acknowledgement again: that may be what got lost.
bool hub::order_answers(const message& m, const std::string& gateway_name, const std::vector<std::string>& numbers,
                        bool is_repeated) {
  const auto* g = find(gateway_name);
  if (g == nullptr || m.id.empty()) return true;
  const auto add = [&](answer_kind kind, const std::string& number) {
    return store_->add_answer({.id = new_id(),
                               .message_id = m.id,
                               .gateway = gateway_name,
                               .kind = kind,
                               .recipient = number,
                               .code = "200"});
  };
  if (g->options.auto_ack && m.ack_requested && !add(answer_kind::acknowledgement, "")) return false;
  if (is_repeated || !g->options.auto_dr || !m.dr_requested) return true;
  return std::ranges::all_of(numbers, [&](const std::string& n) { return add(answer_kind::delivery_report, n); });
}

// ---- relaying

// To those for whom there is a route.
std::optional<message> hub::relay_of(const message& m, const std::string& gateway_name) const {
  auto out = m;
  out.recipients.clear();
  for (const auto& r : m.recipients)
    if (options_.routes.covers(gateway_name, r.number))
      out.recipients.push_back({.index = out.recipients.size(), .number = r.number, .role = r.role});
  if (out.recipients.empty()) return std::nullopt;
  out.id = new_id();
  out.relayed_from = m.id;
  out.is_inbound = false;
  out.group.clear();
  out.peer_ref.clear();
  return out;
}

// In the transaction that keeps it: what was acknowledged is on its way.
bool hub::relay(message out) {
  event e{event_state::scheduled, "", "passed on", "", out.created_ms, {}};
  for (const auto& r : out.recipients) e.destinations.push_back(r.number);
  out.first_event = to_text(e);
  return store_->insert_message(out, std::max(out.created_ms, out.content.earliest_delivery * 1'000)) &&
         announce(out, e);
}

// What became of a relayed message, to whom it came from.
bool hub::pass_back(const message& m, const event& e) {
  const bool is_read = e.state == event_state::read;
  const bool is_report =
      e.state == event_state::delivered || e.state == event_state::failed || e.state == event_state::forwarded;
  if (m.relayed_from.empty() || (!is_read && !is_report)) return true;
  const auto from = store_->get_message(m.relayed_from);
  if (!from || !(is_read ? from->rr_requested : from->dr_requested)) return true;
  // Why we could not pass it on says little to them; what a handset or its network said, everything.
  const bool is_known = e.code == "202" || e.code == "404" || e.code == "408" || e.code == "410";
  const std::string code = is_read || e.state == event_state::delivered || is_known ? e.code : "406";
  return std::ranges::all_of(e.destinations, [&](const std::string& number) {
    return store_->add_answer({.id = new_id(),
                               .message_id = from->id,
                               .gateway = from->gateway_id,
                               .kind = is_read ? answer_kind::read_report : answer_kind::delivery_report,
                               .recipient = number,
                               .code = code,
                               .description = e.description});
  });
}

bool hub::order(answer_order a) {
  a.id = new_id();
  // What the application has reported as delivered or failed, the peer cannot withdraw any more.
  auto m = a.kind == answer_kind::delivery_report ? store_->get_message(a.message_id) : std::nullopt;
  const bool is_interim = a.code == "202" || a.code == "410";
  const bool good = store_->transaction([&] {
    if (m && m->is_inbound && !is_interim) {
      for (auto& r : m->recipients)
        if (r.number == a.recipient && r.state == recipient_state::received)
          r.state = a.code == "200" ? recipient_state::delivered : recipient_state::failed;
      if (!store_->update_message(*m)) return false;
    }
    return store_->add_answer(a);
  });
  soon();
  return good;
}

// ---- processes and heartbeats

void hub::beat() {
  const auto now = now_ms();
  if (!store_->beat(now, now - options_.beat_lease.count()))
    log_.error("the store cannot commit", {{"reason", store_->error_text()}});
  take_over();
  for (const auto& work : std::exchange(again_, {})) work();
  has_unrouted_ = true;  // another process may have left some
  for (std::size_t i = 0; i < gateways_.size(); ++i) probe(i);
  beat_timer_.expires_after(options_.beat_interval);
  beat_timer_.async_wait([this, alive = alive_](std::error_code ec) {
    if (!ec && *alive) beat();
  });
}

// What became of these nobody knows. Both protocols let the peer recognise a repetition by its ids.
void hub::take_over() {
  constexpr std::size_t batch = 1'000;
  for (const auto& k : store_->interrupted(batch)) {
    later(
        [this, k] {
          const auto m = store_->get_message(k.message_id);
          if (!m || k.index >= m->recipients.size()) return true;
          const auto& r = m->recipients[k.index];
          return store_->set_state(k, recipient_state::sending, recipient_state::queued, r.attempts, now_ms()) &&
                 note(*m, event_state::undefined, {r.number}, "",
                      "the gateway was interrupted: sent again under the same ids", m->gateway_id);
        },
        [this](bool) { soon(); });
  }
}

void hub::probe(std::size_t gateway_index) {
  auto& g = gateways_[gateway_index];
  const auto now = now_ms();
  if (options_.heartbeat_interval.count() == 0 || g.is_probed || now < g.probe_at || is_draining_) return;
  g.is_probed = true;
  g.link->probe([this, alive = alive_, gateway_index](bool good) {
    if (!*alive) return;
    auto& one = gateways_[gateway_index];
    one.is_probed = false;
    one.probe_at = now_ms() + options_.heartbeat_interval.count();
    one.missed = good ? 0 : one.missed + 1;
    const bool is_down = one.missed >= options_.heartbeats_missed_max;
    if (std::exchange(one.is_down, is_down) == is_down) return;
    one.up.set(is_down ? 0 : 1);
    leave_groups_that_are_down();
    if (is_down) log_.error("a gateway is down", {{"gateway", one.link->name()}, {"missed", one.missed}});
    else log_.info("a gateway is up again", {{"gateway", one.link->name()}});
    soon();
  });
}

}  // namespace msgkit::app::mms
