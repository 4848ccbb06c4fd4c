#include "mail_peer.hpp"

#include <algorithm>

#include "connectors/mm4_mail.hpp"
#include "msgkit/mm4/exchange.hpp"
#include "reference.hpp"

namespace msgkit::simulation {
namespace {

constexpr std::size_t part_octets_max = 1024 * 1024;

std::string before_at(const std::string& id) { return id.substr(0, id.find('@')); }

smpp::message_state state_of(mm4::mm_status s) {
  switch (s) {
    case mm4::mm_status::retrieved: return smpp::message_state::delivered;
    case mm4::mm_status::expired: return smpp::message_state::expired;
    case mm4::mm_status::rejected: return smpp::message_state::rejected;
    default: return smpp::message_state::undeliverable;
  }
}

// The text of a mail, and the rest of it but the presentation.
struct taken_content {
  std::string text{};
  std::vector<std::string> media{};
};
taken_content content_of(const mm4::incoming& m) {
  taken_content out;
  auto parts = app::mail_parts_of(m.document(), part_octets_max);
  if (!parts) return out;
  for (auto& p : *parts) {
    if (p.type.starts_with("text/plain")) out.text += p.content;
    else if (!p.type.starts_with("application/smil")) out.media.push_back(std::move(p.content));
  }
  return out;
}

// Whatever the gateway says to half a mail.
struct deaf final : stream_handler {
  void on_bytes(bytes_view) override {}
  void on_closed(std::error_code) override {}
};

}  // namespace

struct mail_peer::handler final : mm4::server_handler {
  explicit handler(std::weak_ptr<mail_peer> o) : owner(std::move(o)) {}
  void on_message(incoming_ptr m) override {
    if (const auto live = owner.lock()) live->take(m);
  }
  mm4::smtp::reply on_recipient(const mm4::peer& p, std::string_view mailbox) override {
    const auto live = owner.lock();
    if (live && live->random_.chance(live->plan_.manners.recipient_share))
      return mm4::smtp::make_reply(450, "4.2.1", "not now");
    if (live && live->random_.chance(live->plan_.manners.loss_share))
      live->loop_.after(live->random_.between(0ms, 60ms), [weak = owner] {
        if (const auto still = weak.lock()) still->break_lines();
      });
    return server_handler::on_recipient(p, mailbox);
  }
  void on_malformed(const mm4::peer&, const fault& f) override {
    if (const auto live = owner.lock()) live->log_.fail("{} cannot read a mail: {}", live->name(), f.code.message());
  }
  std::weak_ptr<mail_peer> owner;
};

mail_peer::mail_peer(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book,
                     test::virtual_network& network, mail_plan plan)
    : loop_(loop), random_(random), log_(log), book_(book), network_(network), plan_(std::move(plan)) {
  profile_.domain = plan_.name + ".test";
  profile_.peer_domain = "gateway.test";
}

void mail_peer::start() {
  book_.set_mail_peer(host(), plan_.settings.endpoint);
  mm4::server_options s;
  s.session.command_timeout = 20s;
  s.session.data_timeout = 10s;
  s.peers.push_back({.name = "gateway", .profile = profile_});
  s.peers.back().networks = *ip_ranges::parse(std::vector{std::string(mail_host)});
  server_ = std::make_unique<mm4::server>(loop_.executor(), std::move(s), std::make_shared<handler>(weak_from_this()));
  network_.listen(host(), [this](std::shared_ptr<stream> line) {
    if (server_) server_->adopt(std::move(line));
  });
  mm4::client_options c;
  c.dial = [this](connector::handler done) { network_.dial(host(), std::string(mail_host), std::move(done)); };
  c.session = plan_.session;
  c.connections_max = plan_.connections;
  app::use_engine_retries(c);
  c.retry_seed = static_cast<std::uint64_t>(plan_.letter);
  if (!plan_.settings.inbound_username.empty()) {
    c.session.user = plan_.settings.inbound_username;
    c.session.password = plan_.settings.inbound_password;
    c.session.auth_without_tls = true;
  }
  client_ = mm4::client::make(loop_.executor(), std::move(c));
}

void mail_peer::stop() {
  network_.unlisten(host());
  unanswered_.clear();
  rude_.clear();
  server_.reset();
  client_.reset();
  outbox_.clear();
}

void mail_peer::calm_down() {
  plan_.manners = {};
  unanswered_.clear();  // now they are refused
  rude_.clear();
}

// ---- mails of its own

ledger::mail mail_peer::write(const std::vector<std::string>& recipients, byte_vector& octets, mm4::forward_req& f) {
  ledger::mail m{.reference = make_reference(plan_.letter, ++messages_), .recipients = recipients};
  m.message_id = m.reference + '@' + profile_.domain;
  f.transaction_id = "t-" + m.message_id;
  f.message_id = m.message_id;
  f.rfc_message_id = m.message_id;
  f.from = app::mm4_address_of("+15550001");
  for (const auto& to : recipients) f.to.push_back(app::mm4_address_of('+' + to));
  f.sender = f.originator_system = profile_.system_address();
  f.date = loop_.clock().wall();
  f.subject = m.reference;
  f.ack_request = random_.chance(0.7);
  f.delivery_report = random_.chance(0.6);
  std::vector<app::mail_part> parts;
  for (auto n = random_.below(4); n > 1; --n) {
    m.media.push_back("GIF89a" + text_for(m.reference, random_.between(1, 3'000)));
    parts.push_back({fmt::format("p{}.gif", n), "image/gif", m.media.back()});
  }
  parts.push_back({"t.txt", "text/plain; charset=utf-8", text_for(m.reference, random_.between(10, 400))});
  const auto content = app::mm4_content_of(parts, messages_);
  octets = *mm4::encode(f, profile_, &content);
  return m;
}

void mail_peer::new_message(std::vector<std::string> recipients) {
  byte_vector octets;
  mm4::forward_req f;
  const auto m = write(recipients, octets, f);
  constexpr std::uint8_t all = engine::receipt_on_success | engine::receipt_on_failure;
  book_.mail_written(m, *f.delivery_report ? all : 0);
  add({.what = m.reference,
       .to = mm4::make_envelope(f, profile_),
       .mail = std::make_shared<const byte_vector>(std::move(octets)),
       .taken = [this, id = m.message_id] { book_.mail_taken(id); },
       .repeat = random_.chance(plan_.manners.repeat_share)});
}

void mail_peer::begin_and_leave(const std::string& recipient) {
  byte_vector octets;
  mm4::forward_req f;
  const auto m = write({recipient}, octets, f);
  book_.mail_begun(m);
  const auto e = mm4::make_envelope(f, profile_);
  auto text =
      fmt::format("EHLO {}\r\nMAIL FROM:<{}>\r\nRCPT TO:<{}>\r\nDATA\r\n", name(), e.mail_from, e.rcpt_to.front());
  text += as_text(octets).substr(0, random_.below(octets.size()));
  log_.add("{} begins {} and leaves", name(), m.reference);
  network_.dial(host(), std::string(mail_host), [this, text](std::error_code ec, std::shared_ptr<stream> line) {
    if (ec) return;
    line->start(std::make_shared<deaf>());
    line->write(as_bytes(text));
    line->flush();
    if (random_.chance(0.5)) return line->close_after_flush();
    rude_.push_back(std::move(line));  // and silence
  });
}

void mail_peer::add(parcel p) {
  outbox_.emplace(++last_parcel_, std::move(p));
  transmit(last_parcel_);
}

void mail_peer::transmit(std::uint64_t number) {
  const auto at = outbox_.find(number);
  if (at == outbox_.end() || !client_) return;
  log_.add("{} sends {}", name(), at->second.what);
  const auto done = [weak = weak_from_this(), number](const mm4::delivery& d) {
    if (const auto live = weak.lock()) live->sent(number, d);
  };
  if (const auto good = client_->send(at->second.to, at->second.mail, done); !good)
    return log_.fail("{} cannot send {}: {}", name(), at->second.what, good.error().code.message());
  if (random_.chance(plan_.manners.loss_share))
    loop_.after(random_.between(0ms, 100ms), [self = shared_from_this()] { self->break_lines(); });
}

void mail_peer::sent(std::uint64_t number, const mm4::delivery& d) {
  const auto at = outbox_.find(number);
  if (at == outbox_.end()) return log_.fail("{} got an outcome it does not wait for", name());
  auto& p = at->second;
  log_.add("{} has sent {}: {} {}", name(), p.what, d.error ? d.error.message() : "ok", d.answer.code);
  if (!d.error && d.answer.is_positive()) {
    if (p.taken) p.taken();
    if (!std::exchange(p.repeat, false)) return void(outbox_.erase(at));
  } else if (d.error == mm4::errc::refused && !d.answer.is_transient()) {
    log_.fail("{} sent {} and was refused: {}", name(), p.what, d.answer.text());
  }
  loop_.after(random_.between(100ms, 2s), [self = shared_from_this(), number] { self->transmit(number); });
}

// ---- mails of the gateway

void mail_peer::take(const incoming_ptr& m) {
  if (const auto* f = std::get_if<mm4::forward_req>(&m->message())) return take_forward(m, *f);
  if (const auto* r = std::get_if<mm4::delivery_report_req>(&m->message())) return take_receipt(m, *r);
  if (const auto* r = std::get_if<mm4::forward_res>(&m->message())) {
    log_.add("{} has the response to {}", name(), r->transaction_id);
    book_.mail_response(r->transaction_id.substr(2), r->status == mm4::request_status::ok);
  }
  m->accept();
}

bool mail_peer::is_well_treated(const incoming_ptr& m, const std::string& what) {
  const auto& how = plan_.manners;
  double draw = static_cast<double>(random_.below(1'000'000)) / 1'000'000;
  const auto falls_in = [&](double share) { return (draw -= share) < 0; };
  if (falls_in(how.temporary_share)) {
    m->refuse(mm4::smtp::make_reply(451, "4.3.0", "later"));
  } else if (falls_in(how.silence_share)) {
    log_.add("{} does not answer to {}", name(), what);
    unanswered_.push_back(m);
  } else if (falls_in(how.unanswered_loss_share)) {
    log_.add("{} drops {}", name(), what);
    break_lines();
  } else {
    return true;
  }
  return false;
}

void mail_peer::take_forward(const incoming_ptr& m, const mm4::forward_req& f) {
  log_.add("{} receives {}", name(), f.rfc_message_id);
  if (!is_well_treated(m, f.message_id)) return;
  if (!random_.chance(plan_.manners.permanent_share)) return answer_later(m, [this, m, &f] { accept(m, f); });
  const auto reference = reference_in(content_of(*m).text);
  book_.carrier_refuses_for_good(reference);
  for (const auto& to : app::mm4_recipients_of(m->envelope(), f))
    book_.carrier_refuses_for_good(ledger::mail_name(reference, std::string(to.digits())));
  m->refuse(mm4::smtp::make_reply(554, "5.6.0", "never"));
}

void mail_peer::answer_later(const incoming_ptr& m, std::function<void()> how) {
  const bool late = random_.chance(plan_.manners.late_share);
  ++planned_;
  loop_.after(random_.between(0ms, late ? plan_.manners.late_max : 30ms),
              [self = shared_from_this(), m, how = std::move(how)] {
                --self->planned_;
                how();
              });
}

void mail_peer::accept(const incoming_ptr& m, const mm4::forward_req& f) {
  const auto id = before_at(f.transaction_id);
  const auto to = app::mm4_recipients_of(m->envelope(), f);
  const auto content = content_of(*m);
  auto reference = reference_in(content.text);
  if (is_mail_reference(reference) && !to.empty())
    reference = ledger::mail_name(reference, std::string(to.front().digits()));
  const auto number = book_.mail_accepted(plan_.settings.endpoint, id, reference, content.media);
  log_.add("{} accepts {} as {}", name(), reference, id);
  m->accept(fmt::format("taken as {}", number));
  if (random_.chance(plan_.manners.answered_loss_share)) break_lines();
  if (known_.insert(id).second || !plan_.knows_repetitions) plan_answers(f, id);
}

void mail_peer::take_receipt(const incoming_ptr& m, const mm4::delivery_report_req& r) {
  if (!is_well_treated(m, "a report on " + r.message_id)) return;
  answer_later(m, [this, m, &r] {
    const auto number =
        book_.mail_receipt_accepted(before_at(r.transaction_id), r.message_id, std::string(r.from->digits()));
    log_.add("{} accepts the report on {} {}", name(), r.message_id, r.from->digits());
    m->accept(fmt::format("taken as {}", number));
    if (random_.chance(plan_.manners.answered_loss_share)) break_lines();
  });
}

// What is on the way arrives in part, or not at all.
void mail_peer::break_lines() {
  for (const auto line : network_.lines_of(host())) {
    log_.add("line {} is broken by {}", line, name());
    network_.reset(line);
  }
}

// ---- what it says of what it has taken

void mail_peer::plan_answers(const mm4::forward_req& f, const std::string& id) {
  const auto& how = plan_.manners;
  const auto& endpoint = plan_.settings.endpoint;
  const bool late = random_.chance(how.late_response_share);
  if (f.ack_request.value_or(false) && !random_.chance(how.no_response_share)) {
    const bool is_good = !random_.chance(how.error_response_share);
    const auto wait = random_.between(0ms, late ? 8s : 200ms);
    if (!is_good) book_.mail_reports(endpoint, id, smpp::message_state::rejected);
    else if (!f.delivery_report.value_or(false)) book_.mail_reports(endpoint, id, smpp::message_state::delivered);
    const auto status = is_good ? mm4::request_status::ok : mm4::request_status::content_not_accepted;
    post_response(wait, f, status);
    if (random_.chance(how.double_share)) post_response(wait + random_.between(0s, 3s), f, status);
  }
  if (random_.chance(how.stray_share)) {
    auto other = f;
    other.transaction_id = fmt::format("{}-{}", random_.next(), f.transaction_id);
    post_response(random_.between(0ms, 300ms), other, mm4::request_status::ok);
  }
  plan_reports(f, id, late);
}

void mail_peer::plan_reports(const mm4::forward_req& f, const std::string& id, bool is_response_late) {
  const auto& how = plan_.manners;
  const auto& endpoint = plan_.settings.endpoint;
  if (f.read_reply.value_or(false) && random_.chance(how.read_share)) {
    book_.mail_reports(endpoint, id, smpp::message_state::delivered);
    post(random_.between(500ms, 6s), "read reply on " + id,
         mm4::make_read_reply_report(f, f.to.front(), mm4::read_status::read, profile_,
                                     fmt::format("r{}@{}", ++last_id_, profile_.domain), loop_.clock().wall()));
  }
  if (!f.delivery_report.value_or(false) || random_.chance(how.lost_report_share)) return;
  const auto wait = is_response_late || random_.chance(0.3) ? random_.between(0ms, 5ms) : random_.between(200ms, 4s);
  if (random_.chance(how.deferred_share)) post_report(wait, f, mm4::mm_status::deferred, {});
  constexpr mm4::mm_status failures[] = {mm4::mm_status::expired, mm4::mm_status::rejected,
                                         mm4::mm_status::unrecognised};
  const auto status = random_.chance(how.failed_share) ? failures[random_.below(3)] : mm4::mm_status::retrieved;
  book_.mail_reports(endpoint, id, state_of(status));
  const auto taken = [this, endpoint, id] { book_.mail_report_taken(endpoint, id); };
  post_report(wait + random_.between(0ms, 2s), f, status, taken);
  if (random_.chance(how.double_share)) post_report(wait + random_.between(2s, 6s), f, status, taken);
}

void mail_peer::post_response(duration wait, const mm4::forward_req& f, mm4::request_status status) {
  const auto to = mm4::response_mailbox(f, profile_);
  if (auto r = mm4::make_response(f, to, status, profile_, loop_.clock().wall()))
    post(wait, "response to " + f.transaction_id, *std::move(r));
}

void mail_peer::post_report(duration wait, const mm4::forward_req& f, mm4::mm_status status,
                            std::function<void()> taken) {
  auto id = fmt::format("d{}@{}", ++last_id_, profile_.domain);
  post(wait, "report on " + f.message_id,
       mm4::make_delivery_report(f, f.to.front(), status, profile_, std::move(id), loop_.clock().wall()),
       std::move(taken));
}

void mail_peer::post(duration wait, std::string what, mm4::message m, std::function<void()> taken) {
  auto mail = mm4::encode(m, profile_);
  if (!mail) return log_.fail("{} cannot write a {}: {}", name(), what, mail.error().code.message());
  ++planned_;
  loop_.after(wait,
              [self = shared_from_this(), p = parcel{.what = std::move(what),
                                                     .to = mm4::make_envelope(m, profile_),
                                                     .mail = std::make_shared<const byte_vector>(*std::move(mail)),
                                                     .taken = std::move(taken)}] {
                --self->planned_;
                self->add(p);
              });
}

}  // namespace msgkit::simulation
