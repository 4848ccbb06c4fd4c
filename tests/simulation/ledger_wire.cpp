// What the ledger reads off the gateway's ends of the network.
#include "engine/carrier_id.hpp"
#include "ledger.hpp"
#include "msgkit/smpp/text/receipt.hpp"
#include "pdu_facts.hpp"

namespace msgkit::simulation {
namespace {

template <class Visit>
void each_frame(byte_vector& buffer, bytes_view octets, Visit&& visit) {
  append(buffer, octets);
  std::size_t at = 0;
  while (buffer.size() - at >= smpp::header_bytes) {
    const auto length = load_big<std::uint32_t>(buffer.data() + at);
    if (length < smpp::header_bytes || buffer.size() - at < length) break;
    visit(bytes_view{buffer}.subspan(at, length));
    at += length;
  }
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(at));
}

template <class Visit>
void each_line(byte_vector& buffer, bytes_view octets, Visit&& visit) {
  append(buffer, octets);
  std::size_t at = 0;
  for (auto text = as_text(buffer);;) {
    const auto end = text.find("\r\n", at);
    if (end == text.npos) break;
    visit(text.substr(at, end - at));
    at = end + 2;
  }
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

std::string ledger::delivery_key(const smpp::deliver_sm& m) {
  if (!smpp::is_receipt(m.esm_class)) return fmt::format("m {}.{}", reference_of(m), part_of(m).sequence);
  const auto id = m.tlvs.find(smpp::tag::receipted_message_id);
  const bool intermediate = (m.esm_class & smpp::esm::type_mask) == smpp::esm::intermediate_notification;
  return fmt::format("{} {}", intermediate ? 'i' : 'r', id ? id->as_cstring() : "?");
}

void ledger::on_open(test::line_id line, const std::string& from, const std::string& to) {
  log_.add("line {} opens, {} to {}", line, from, to);
  auto& w = wires_[line];
  w.is_mail = from == mail_host || to == mail_host;
  w.to_carrier = from == gateway_host || from == mail_host;
  w.peer = w.to_carrier ? to : from;
}

void ledger::on_closed(test::line_id line, const std::string& host, std::error_code reason) {
  log_.add("line {} ends at {}: {}", line, host, reason.message());
  if (host == gateway_host || host == mail_host) wires_.erase(line);
}

void ledger::on_write(test::line_id line, const std::string& host, bytes_view octets) {
  const auto at = wires_.find(line);
  if (at == wires_.end()) return;
  if (host == mail_host && at->second.is_mail)
    return each_line(at->second.written, octets, [&](std::string_view text) { mail_line_written(at->second, text); });
  if (host != gateway_host) return;
  each_frame(at->second.written, octets, [&](bytes_view frame) {
    const auto h = smpp::read_header(frame);
    log_.add("line {} gateway > {} {:08x} status {:x} seq {}", line, at->second.peer, static_cast<std::uint32_t>(h.id),
             static_cast<std::uint32_t>(h.status), h.sequence);
    gateway_wrote(at->second, frame);
  });
}

void ledger::on_read(test::line_id line, const std::string& host, bytes_view octets) {
  const auto at = wires_.find(line);
  if (at == wires_.end()) return;
  if (host == mail_host && at->second.is_mail)
    return each_line(at->second.read, octets, [&](std::string_view text) { mail_line_read(at->second, text); });
  if (host != gateway_host) return;
  each_frame(at->second.read, octets, [&](bytes_view frame) {
    const auto h = smpp::read_header(frame);
    log_.add("line {} gateway < {} {:08x} status {:x} seq {}", line, at->second.peer, static_cast<std::uint32_t>(h.id),
             static_cast<std::uint32_t>(h.status), h.sequence);
    gateway_read(at->second, frame);
  });
}

// ---- the gateway asks and is answered

void ledger::gateway_wrote(wire& w, bytes_view frame) {
  const auto m = smpp::decode(frame);
  if (!m) return log_.fail("the gateway wrote to {} what does not decode", w.peer);
  if (std::holds_alternative<smpp::submit_sm>(*m) || std::holds_alternative<smpp::deliver_sm>(*m))
    return wrote_request(w, *m);
  if (m->head.status == smpp::command_status::ok) acknowledged(w, *m);
  if (m->head.id == smpp::command_id::submit_sm_resp || m->head.id == smpp::command_id::deliver_sm_resp)
    w.owed.erase(m->head.sequence);
}

void ledger::wrote_request(wire& w, const smpp::pdu& m) {
  open_request open{.since = loop_.now()};
  if (const auto* submit = std::get_if<smpp::submit_sm>(&m)) {
    open.what = reference_of(*submit);
    open.part = part_of(*submit).sequence;
  } else {
    open.what = delivery_key(std::get<smpp::deliver_sm>(m));
  }
  log_.add("  {} part {}", open.what, open.part);
  w.open[m.head.sequence] = std::move(open);
  check_window(w);
}

void ledger::check_window(const wire& w) {
  const auto limit = limits_.find(w.peer);
  if (limit == limits_.end()) return;
  std::size_t open = 0;
  for (const auto& [sequence, r] : w.open) open += loop_.now() - r.since < limit->second.response_timeout ? 1 : 0;
  if (open > limit->second.window)
    log_.fail("{} requests open towards {}, the window is {}", open, w.peer, limit->second.window);
}

void ledger::gateway_read(wire& w, bytes_view frame) {
  const auto h = smpp::read_header(frame);
  const auto m = smpp::decode(frame);
  if (!m) return;
  if (smpp::is_response(h.id)) return note_read_answer(w, h, *m);
  if (const auto* submit = std::get_if<smpp::submit_sm>(&*m)) w.owed[h.sequence] = {.what = reference_of(*submit)};
  const auto* deliver = std::get_if<smpp::deliver_sm>(&*m);
  if (deliver == nullptr) return;
  auto& owed = w.owed[h.sequence];
  owed.part = 0;
  if (!smpp::is_receipt(deliver->esm_class)) {
    owed.what = "m " + reference_of(*deliver);
  } else if (const auto r = smpp::parse_receipt(user_data(*deliver))) {
    const auto endpoint = "carrier:" + w.peer;
    owed.what = "r " + endpoint + " " + engine::normal_form(r->id, ids_[endpoint].report);
    owed.part = (deliver->esm_class & smpp::esm::type_mask) == smpp::esm::intermediate_notification ? 1 : 0;
  }
}

void ledger::note_read_answer(wire& w, const smpp::header& h, const smpp::pdu& m) {
  const auto at = w.open.find(h.sequence);
  if (at == w.open.end()) return;
  const auto open = std::move(at->second);
  w.open.erase(at);
  if (h.status != smpp::command_status::ok) return;
  const auto limit = limits_.find(w.peer);
  if (limit != limits_.end() && loop_.now() - open.since >= limit->second.response_timeout) return;
  if (const auto* answer = std::get_if<smpp::submit_sm_resp>(&m)) {
    if (auto* a = find_acceptance("carrier:" + w.peer, answer->message_id)) {
      a->seen = true;
      ++references_[a->reference].parts[a->part].seen;
    }
  } else if (h.id == smpp::command_id::deliver_sm_resp) {
    ++deliveries_[open.what].seen;
  }
}

// ---- the gateway answers ok: what it says must be true now

void ledger::acknowledged(wire& w, const smpp::pdu& m) {
  const auto at = w.owed.find(m.head.sequence);
  if (const auto* answer = std::get_if<smpp::submit_sm_resp>(&m)) {
    const auto id = engine::message_id::parse(answer->message_id);
    const auto found = id ? stored_.find(*id) : stored_.end();
    if (found == stored_.end() || !found->second.durable)
      return log_.fail("{} was told ok for {} before the store held it", w.peer, answer->message_id);
    if (at != w.owed.end() && found->second.reference != at->second.what)
      log_.fail("{} was told the id of {} for {}", w.peer, found->second.reference, at->second.what);
  }
  if (m.head.id != smpp::command_id::deliver_sm_resp || at == w.owed.end()) return;
  const auto& what = at->second.what;
  if (what.starts_with("m ")) {
    if (durable_with(what) == 0) log_.fail("{} was told ok for {} before the store held it", w.peer, what.substr(2));
  } else if (what.starts_with("r ") && at->second.part == 0) {
    const auto a = acceptances_.find(what.substr(2));
    if (a != acceptances_.end() && a->second.committed && !a->second.settled)
      log_.fail("{} was told ok for the receipt of {} before the store held it", w.peer, what.substr(2));
  }
}

}  // namespace msgkit::simulation
