#include "ledger.hpp"

#include <algorithm>

#include "connectors/mms.hpp"
#include "engine/carrier_id.hpp"
#include "pdu_facts.hpp"

namespace msgkit::simulation {

ledger::~ledger() = default;

// ---- what the peers know

void ledger::client_submits(const std::string& reference, std::uint8_t receipt_wanted, bool is_piece) {
  auto& r = references_[reference];
  r.receipt_wanted = receipt_wanted;
  r.is_piece = is_piece;
  ++r.submits;
}

void ledger::client_accepted(const std::string& reference, const std::string& id) {
  references_[reference].accepted_ids.push_back(id);
}

void ledger::client_unanswered(const std::string& reference) { ++references_[reference].unanswered; }

std::string ledger::acceptance_key(const std::string& endpoint, std::string_view id) const {
  const auto ids = ids_.find(endpoint);
  return endpoint + " " + engine::normal_form(id, ids == ids_.end() ? engine::id_form::folded : ids->second.submit);
}

ledger::acceptance* ledger::find_acceptance(const std::string& endpoint, std::string_view id) {
  const auto at = acceptances_.find(acceptance_key(endpoint, id));
  return at == acceptances_.end() ? nullptr : &at->second;
}

void ledger::carrier_accepts(const std::string& carrier, const std::string& id, const smpp::submit_sm& m) {
  const auto name = reference_of(m);
  const auto at = references_.find(name);
  if (at == references_.end()) return log_.fail("{} was sent '{}', which nobody submitted", carrier, name);
  auto& r = at->second;
  const auto position = part_of(m);
  acceptance a{.reference = name};
  if (!r.is_piece) {
    a.part = position.sequence;
    a.part_total = position.total;
  }
  ++r.parts[a.part].accepted;
  acceptances_["carrier:" + carrier + " " + id] = std::move(a);
}

void ledger::carrier_reports(const std::string& carrier, const std::string& id, smpp::message_state state) {
  acceptances_["carrier:" + carrier + " " + id].reported.insert(state);
}

void ledger::carrier_report_taken(const std::string& carrier, const std::string& id) {
  auto& a = acceptances_["carrier:" + carrier + " " + id];
  a.report_taken = a.report_taken || !a.settled;  // later it has nothing to change
}

// ---- what the store knows

void ledger::store_begins(std::span<const engine::record> records) {
  for (const auto& r : records) {
    if (!r.is_new) continue;
    auto& s = stored_[r.id];
    const auto& c = *r.content;
    if (c.kind == engine::message_kind::receipt) {
      s.receipt_of = c.receipt->receipt_of;
      s.key = fmt::format("{} {}", c.receipt->intermediate ? 'i' : 'r', s.receipt_of.text());
    } else {
      s.reference = reference_in(as_text(c.body));
      if (const auto mms = app::read_mms(c)) {
        s.reference = mail_name(s.reference, c.destination.value);
        for (const auto& each : mms->media) s.media.push_back(each.token);
      }
      s.key = "m " + s.reference;
    }
    by_key_.emplace(s.key, r.id);
  }
}

void ledger::take_record(engine::message_id id, const engine::message_progress& p) {
  auto& s = stored_[id];
  s.durable = true;
  s.delivered = s.delivered || (p.settled && p.state == engine::message_state::delivered);
  for (const auto& segment : p.segments) {
    if (!segment.accepted || segment.carrier_id.empty()) continue;  // clients give no ids
    auto* a = find_acceptance(p.endpoint, segment.carrier_id);
    if (a == nullptr) {
      log_.fail("the store says that {} accepted {} as {}, which it did not", p.endpoint, s.reference, segment.carrier_id);
      continue;
    }
    a->committed = true;
    a->settled = a->settled || p.settled || engine::is_final(segment.state);
  }
}

void ledger::store_wrote(std::span<const engine::record> records) {
  for (const auto& r : records) {
    take_record(r.id, *r.progress);
    log_.add("  stored {} {} {}", r.id.text(), stored_[r.id].key, engine::name(r.progress->state));
  }
}

void ledger::store_failed(std::span<const engine::record> records) {
  log_.add("  commit of {} records failed", records.size());
  for (const auto& r : records) doubts_.push_back(r.id);
}

void ledger::store_recovered(engine::store& s) {
  for (const auto id : std::exchange(doubts_, {})) {
    const auto found = s.find(id);
    if (found && *found) take_record(id, (*found)->progress);
  }
}

void ledger::store_removed(std::span<const engine::message_id> ids) {
  for (const auto id : ids) stored_[id].durable = false;
}

std::size_t ledger::durable_with(const std::string& key) const {
  const auto [from, to] = by_key_.equal_range(key);
  return static_cast<std::size_t>(
      std::count_if(from, to, [&](const auto& each) { return stored_.at(each.second).durable; }));
}

std::size_t ledger::delivered_with(const std::string& key) const {
  const auto [from, to] = by_key_.equal_range(key);
  return static_cast<std::size_t>(
      std::count_if(from, to, [&](const auto& each) { return stored_.at(each.second).delivered; }));
}

void ledger::gateway_died() {
  for (auto& [key, a] : acceptances_) {
    if (!a.seen || a.committed || a.excused) continue;
    a.excused = true;
    ++references_[a.reference].parts[a.part].excused;
    ++excused_total_;
  }
  for (auto& [key, d] : deliveries_) {
    const auto known = delivered_with(key.substr(0, key.find('.'))) + d.excused;
    if (d.seen <= known) continue;
    excused_total_ += d.seen - known;
    d.excused += d.seen - known;
  }
  for (auto& [line, w] : wires_) {
    w.open.clear();
    w.owed.clear();
  }
  doubts_.clear();
}

}  // namespace msgkit::simulation
