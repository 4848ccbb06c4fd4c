// The ledger's books of MM4: what peers wrote, took and reported, and what their connections to the gateway say.
#include <algorithm>
#include <charconv>

#include "ledger.hpp"

namespace msgkit::simulation {
namespace {

constexpr std::string_view taken_as = "taken as ", accepted = "250 2.0.0 accepted";

std::string before_at(std::string_view text) { return std::string(text.substr(0, text.find('@'))); }

}  // namespace

// ---- what the peers know

void ledger::mail_written(const mail& m, std::uint8_t receipt_wanted) {
  mails_[m.message_id] = m;
  for (const auto& to : m.recipients) {
    auto& r = references_[mail_name(m.reference, to)];
    r.is_mail = true;
    r.submits = 1;
    r.media = m.media;
    r.receipt_wanted = receipt_wanted;
  }
}

void ledger::mail_begun(const mail& m) {
  for (const auto& to : m.recipients) references_[mail_name(m.reference, to)].is_mail = true;
}

void ledger::mail_taken(const std::string& message_id) {
  const auto& m = mails_.at(message_id);
  for (const auto& to : m.recipients) references_[mail_name(m.reference, to)].is_taken = true;
}

std::uint64_t ledger::mail_accepted(const std::string& endpoint, const std::string& id, const std::string& name,
                                    const std::vector<std::string>& media) {
  const auto number = ++last_promise_;
  const auto at = references_.find(name);
  if (at == references_.end()) return log_.fail("{} was sent '{}', which nobody wrote", endpoint, name), number;
  if (at->second.media != media) log_.fail("{} was sent {} with other media", endpoint, name);
  ++at->second.parts[1].accepted;
  const auto key = acceptance_key(endpoint, id);
  auto& a = acceptances_[key];
  if (!a.reference.empty() && a.reference != name)
    log_.fail("{} was sent {} under the id of {}", endpoint, name, a.reference);
  a.reference = name;
  a.seen = a.excused = false;  // of this time
  promises_[number].acceptance = key;
  return number;
}

std::uint64_t ledger::mail_receipt_accepted(const std::string& id, const std::string& message_id,
                                            const std::string& recipient) {
  const auto number = ++last_promise_;
  const auto parsed = engine::message_id::parse(id);
  const auto receipt = parsed ? stored_.find(*parsed) : stored_.end();
  const auto written = mails_.find(message_id);
  if (receipt == stored_.end() || written == mails_.end())
    return log_.fail("a delivery report {} on {} is about nothing", id, message_id), number;
  const auto of = stored_.find(receipt->second.receipt_of);
  if (of == stored_.end() || of->second.reference != mail_name(written->second.reference, recipient))
    log_.fail("the delivery report on {} for {} is about another message", message_id, recipient);
  ++deliveries_[receipt->second.key].answered;
  promises_[number].delivery = receipt->second.key;
  return number;
}

void ledger::mail_reports(const std::string& endpoint, const std::string& id, smpp::message_state state) {
  acceptances_[acceptance_key(endpoint, id)].reported.insert(state);
}

void ledger::mail_report_taken(const std::string& endpoint, const std::string& id) {
  auto& a = acceptances_[acceptance_key(endpoint, id)];
  a.report_taken = a.report_taken || !a.settled;
}

void ledger::mail_response(const std::string& message_id, bool is_good) {
  const auto at = mails_.find(message_id);
  if (at == mails_.end()) return log_.fail("a response to {}, which nobody wrote", message_id);
  if (!is_good) return log_.fail("{} was refused", at->second.reference);
  for (const auto& to : at->second.recipients)
    if (durable_with("m " + mail_name(at->second.reference, to)) == 0)
      log_.fail("the response to {} came before the store held it", at->second.reference);
}

// ---- what crosses the wire

void ledger::mail_line_read(wire& w, std::string_view line) {
  if (const auto at = line.find(taken_as); line.starts_with("250") && at != line.npos) {
    std::uint64_t number = 0;
    std::from_chars(line.data() + at + taken_as.size(), line.data() + line.size(), number);
    return promise_seen(number);
  }
  if (line.starts_with("MAIL FROM:")) return w.header.clear();
  const auto colon = line.find(": ");
  if (!line.starts_with("X-Mms-") || colon == line.npos) return;
  auto value = line.substr(colon + 2);
  if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
  w.header.emplace(line.substr(0, colon), value);
}

void ledger::promise_seen(std::uint64_t number) {
  const auto p = promises_[number];
  if (const auto at = acceptances_.find(p.acceptance); at != acceptances_.end()) {
    at->second.seen = true;
    ++references_[at->second.reference].parts[at->second.part].seen;
    log_.add("  the gateway knows that {} is accepted", at->second.reference);
  } else if (!p.delivery.empty()) {
    ++deliveries_[p.delivery].seen;
  }
}

void ledger::mail_line_written(wire& w, std::string_view line) {
  if (line.starts_with(accepted)) mail_acknowledged(w);
}

// The gateway says 250 to a mail: what that means must be true now.
void ledger::mail_acknowledged(wire& w) {
  const auto value = [&](std::string_view name) {
    const auto at = w.header.find(name);
    return at == w.header.end() ? std::string() : at->second;
  };
  const auto type = value("X-Mms-Message-Type"), id = value("X-Mms-Message-ID");
  log_.add("{} is told 250 for {} {}", w.peer, type, before_at(id));
  if (type == "MM4_forward.REQ") {
    const auto at = mails_.find(id);
    if (at == mails_.end()) return log_.fail("{} was told 250 for {}, which nobody wrote", w.peer, id);
    for (const auto& to : at->second.recipients) {
      const auto name = mail_name(at->second.reference, to);
      if (durable_with("m " + name) == 0) log_.fail("{} was told 250 for {} before the store held it", w.peer, name);
      check_media(name, at->second);
    }
  } else if (type == "MM4_delivery_report.REQ" && value("X-Mms-MM-Status-Code") != "Deferred") {
    const auto a = acceptances_.find(acceptance_key(mail_peers_[w.peer], before_at(id)));
    if (a != acceptances_.end() && a->second.committed && !a->second.settled)
      log_.fail("{} was told 250 for the report on {} before the store held it", w.peer, a->second.reference);
  }
}

// The media of what is stored are there, as they were sent.
void ledger::check_media(const std::string& name, const mail& m) {
  const auto [from, to] = by_key_.equal_range("m " + name);
  for (auto at = from; at != to; ++at) {
    const auto& s = stored_.at(at->second);
    if (!s.durable) continue;
    std::vector<std::string> kept;
    for (const auto& token : s.media)
      if (const auto found = media_->all.find(token); found != media_->all.end()) kept.push_back(found->second.content);
    if (kept != m.media) log_.fail("{} is stored without its media", name);
  }
}

void ledger::judge_mails() {
  for (const auto& [id, m] : mails_)
    for (const auto& to : m.recipients) check_media(mail_name(m.reference, to), m);
}

}  // namespace msgkit::simulation
