#include "message_centre.hpp"

#include <algorithm>

#include "msgkit/smpp/text/receipt.hpp"
#include "pdu_facts.hpp"

namespace msgkit::simulation {
namespace {

using smpp::command_status;

std::string spell(std::uint64_t number, bool hex) { return hex ? fmt::format("{:X}", number) : fmt::format("{}", number); }

bool may_receive(const smpp::connection& c) {
  const auto state = c.session().state();
  return state == smpp::session_state::bound_rx || state == smpp::session_state::bound_trx;
}

}  // namespace

message_centre::message_centre(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book,
                               carrier_plan plan)
    : loop_(loop), random_(random), log_(log), book_(book), plan_(std::move(plan)), last_id_(random.between(1, 1u << 20)) {}

void message_centre::start(test::virtual_network& network) {
  smpp::server_options o;
  o.connection.session.window_size = random_.between(1, 10);
  o.connection.session.response_timeout = 6s;
  o.connection.session.bind_timeout = 5s;
  o.connection.session.enquire_link_interval = 10s;
  o.connection.session.enquire_link_timeout = 3s;
  o.connection.session.unbind_timeout = 2s;
  server_ = std::make_unique<smpp::server>(loop_.executor(), o, shared_from_this());
  network.listen(plan_.name, [this](std::shared_ptr<stream> s) {
    if (server_) server_->adopt(std::move(s));
  });
}

void message_centre::stop() {
  server_.reset();
  connections_.clear();
}

void message_centre::calm_down() { plan_.manners = {}; }

// ---- binds

void message_centre::on_bind(smpp::connection& c, const smpp::pdu&) {
  if (random_.chance(plan_.manners.bind_refusal_share)) (void)c.refuse_bind(command_status::bind_failed);
  else (void)c.accept_bind(plan_.name);
}

void message_centre::on_bound(smpp::connection&) { pump(); }

void message_centre::on_closed(smpp::connection& c, std::error_code) {
  std::erase_if(connections_, [&](const auto& each) { return each.get() == &c; });
}

// ---- submits

void message_centre::on_request(smpp::connection& c, const smpp::pdu& m) {
  if (const auto* submit = std::get_if<smpp::submit_sm>(&m)) return answer(c, m.head.sequence, *submit);
  (void)c.reject(m.head.sequence, command_status::invalid_command_id);
}

void message_centre::answer(smpp::connection& c, std::uint32_t sequence, const smpp::submit_sm& m) {
  const auto& how = plan_.manners;
  const auto weak = c.weak_from_this();
  double draw = static_cast<double>(random_.below(1'000'000)) / 1'000'000;
  const auto falls_in = [&](double share) { return (draw -= share) < 0; };
  if (falls_in(how.throttled_share)) return respond(weak, sequence, command_status::throttled, {});
  if (falls_in(how.queue_full_share)) return respond(weak, sequence, command_status::message_queue_full, {});
  if (falls_in(how.temporary_share)) return respond(weak, sequence, command_status::system_error, {});
  if (falls_in(how.permanent_share)) {
    book_.carrier_refuses_for_good(reference_of(m));
    return respond(weak, sequence, command_status::invalid_destination_address, {});
  }
  if (falls_in(how.silence_share)) return;
  accept(weak, sequence, m, falls_in(how.silent_accept_share));
}

void message_centre::accept(const std::weak_ptr<smpp::connection>& c, std::uint32_t sequence, const smpp::submit_sm& m,
                            bool silent) {
  const auto number = ++last_id_;
  duration wait = random_.between(0ms, 30ms);
  if (random_.chance(plan_.manners.late_share)) wait = random_.between(0ms, plan_.manners.late_max);
  book_.carrier_accepts(plan_.name, fmt::format("{:x}", number), m);
  log_.add("{} accepts {} as {:x}{}", plan_.name, reference_of(m), number, silent ? " without a word" : "");
  if (!silent)
    loop_.after(wait, [self = shared_from_this(), c, sequence, number] {
      self->respond(c, sequence, command_status::ok, spell(number, self->plan_.hex_in_answer));
    });
  plan_receipts(m, number, wait);
}

void message_centre::respond(const std::weak_ptr<smpp::connection>& c, std::uint32_t sequence, command_status status,
                             const std::string& id) {
  const auto live = c.lock();
  if (!live) return;
  if (status != command_status::ok) (void)live->reject(sequence, status);
  else (void)live->respond(sequence, smpp::submit_sm_resp{.message_id = id});
}

// ---- receipts and messages to the gateway

void message_centre::plan_receipts(const smpp::submit_sm& m, std::uint64_t number, duration answered_after) {
  const auto& how = plan_.manners;
  if ((m.registered_delivery & smpp::registered::final_mask) == 0 || random_.chance(how.lost_receipt_share)) return;
  const std::string source(m.source_addr), destination(m.destination_addr);
  const bool early = random_.chance(how.early_receipt_share);
  const duration wait = early ? random_.between(0ms, 5ms) : answered_after + random_.between(0ms, 4s);
  const bool asked = (m.registered_delivery & smpp::registered::intermediate) != 0;
  if (asked && random_.chance(how.intermediate_share))
    post_receipt(wait, source, destination, number, smpp::message_state::enroute, true);
  constexpr smpp::message_state failures[] = {smpp::message_state::undeliverable, smpp::message_state::rejected};
  const auto state = random_.chance(how.undelivered_share) ? failures[random_.below(2)] : smpp::message_state::delivered;
  book_.carrier_reports(plan_.name, fmt::format("{:x}", number), state);
  post_receipt(wait + random_.between(0ms, 2s), source, destination, number, state, false);
  if (random_.chance(how.double_receipt_share))
    post_receipt(wait + random_.between(2s, 6s), source, destination, number, state, false);
}

void message_centre::post_receipt(duration wait, const std::string& source, const std::string& destination,
                                  std::uint64_t number, smpp::message_state state, bool intermediate) {
  smpp::receipt r;
  r.id = spell(number, plan_.hex_in_receipt);
  r.state = state;
  r.err = state == smpp::message_state::delivered ? "000" : "042";
  parcel p{.what = fmt::format("receipt of {:x}", number), .id = fmt::format("{:x}", number), .source = source,
           .destination = destination, .text = smpp::format_receipt(r), .state = state};
  p.esm_class = intermediate ? smpp::esm::intermediate_notification : smpp::esm::delivery_receipt;
  p.is_last = !intermediate;
  ++planned_;
  loop_.after(wait, [self = shared_from_this(), p = std::move(p)] {
    --self->planned_;
    self->outbox_.emplace(++self->last_cookie_, p);
    self->pump();
  });
}

void message_centre::send_message(const std::string& destination) {
  const auto reference = make_reference(plan_.letter, ++messages_);
  book_.carrier_sends(reference);
  const auto length = random_.chance(0.15) ? long_length(random_, 600) : random_.between(10, 120);
  outbox_.emplace(++last_cookie_, parcel{.what = reference, .reference = reference, .source = "46700000001", .destination = destination,
                                         .text = text_for(reference, length),
                                         .registered_delivery = static_cast<std::uint8_t>(random_.chance(0.1) ? 1 : 0)});
  pump();
}

void message_centre::pump() {
  for (auto& [cookie, p] : outbox_) {
    if (p.open || p.not_before > loop_.now()) continue;
    std::vector<smpp::connection*> ready;
    for (const auto& c : connections_)
      if (may_receive(*c) && !c->session().is_unbinding() && c->session().window_room() > 0) ready.push_back(c.get());
    if (ready.empty()) return;
    if (!transmit(*ready[random_.below(ready.size())], cookie, p)) return;
  }
}

bool message_centre::transmit(smpp::connection& c, std::uint64_t cookie, parcel& p) {
  smpp::deliver_sm m;
  m.source_addr = p.source;
  m.destination_addr = p.destination;
  m.esm_class = p.esm_class;
  m.registered_delivery = p.registered_delivery;
  smpp::tlv_builder tlvs;
  if (p.text.size() <= 160) m.short_message = p.text;
  else (void)tlvs.add(smpp::tag::message_payload, as_bytes(p.text));
  m.tlvs = tlvs.list();
  if (const auto sent = c.request(m, {.cookie = cookie}); !sent)
    return log_.fail("{} cannot send {}: {} {}", plan_.name, p.what, sent.error().code.message(), sent.error().field), false;
  log_.add("{} sends {}", plan_.name, p.what);
  p.open = true;
  return true;
}

void message_centre::on_outcome(smpp::connection&, const smpp::outcome& o) {
  const auto at = outbox_.find(o.cookie);
  if (at == outbox_.end() || !at->second.open) return log_.fail("{} got an outcome it does not wait for", plan_.name);
  auto& p = at->second;
  log_.add("{} sent {}: {}", plan_.name, p.what, o.error ? o.error.message() : "ok");
  p.open = false;
  if (!o.error) {
    if (!p.id.empty() && p.is_last) book_.carrier_report_taken(plan_.name, p.id);
    outbox_.erase(at);
  } else {
    if (o.error.category() != smpp::status_category()) {
      if (p.id.empty()) book_.carrier_unanswered(p.reference);
    } else if (!smpp::is_temporary(static_cast<command_status>(o.error.value()))) {
      log_.fail("{} sent {} and was refused: {}", plan_.name, p.what, o.error.message());
    }
    p.not_before = loop_.now() + random_.between(200ms, 2s);
    loop_.at(p.not_before, [self = shared_from_this()] { self->pump(); });
  }
  pump();
}

}  // namespace msgkit::simulation
