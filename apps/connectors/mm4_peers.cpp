#include "connectors/mm4_peers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <future>
#include <map>

#include "common/digest.hpp"
#include "connectors/engine_port.hpp"
#include "connectors/mm4_mail.hpp"
#include "connectors/plain_text.hpp"
#include "connectors/slab.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/mime/charset.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::app {
namespace {

using outcome = engine::attempt_outcome;
using state = engine::message_state;
using incoming_ptr = std::shared_ptr<mm4::incoming>;

// Whoever waits for something of a link keeps it.
struct peer_link : std::enable_shared_from_this<peer_link> {
  peer_link(mm4_peer p, std::shared_ptr<mm4::client> c) : peer(std::move(p)), client(std::move(c)) {}
  mm4_peer peer;
  std::shared_ptr<mm4::client> client;
  std::size_t under_way = 0;
  bool is_leaving = false;  // takes nothing further, and goes when nothing is under way
};
using link_ptr = std::shared_ptr<peer_link>;

// One message of a peer, which is answered when the engine has spoken about every recipient.
struct arrival {
  incoming_ptr mail;
  link_ptr from;
  std::size_t open = 0;
  std::size_t accepted = 0;
  bool is_busy = false;
  std::vector<mm4::address> recipients{}, refused{};
};
struct arrived_recipient {
  std::uint64_t arrival = 0;
  std::size_t index = 0;
};
// A report, answered when the engine has it.
struct arrived_report {
  incoming_ptr mail;
  link_ptr from;
};
using awaited = std::variant<arrived_recipient, arrived_report>;

// A message on its way out, while its media are read.
struct departure {
  engine::send order;
  mms_message what;
  std::vector<mail_part> parts{};
  std::size_t next = 0;  // medium
};

mm4::smtp::reply try_later() { return mm4::smtp::make_reply(451, "4.3.0", "try again later"); }
mm4::smtp::reply malformed(std::string_view why) { return mm4::smtp::make_reply(554, "5.6.0", why); }

// Our ids stand before the '@' of what peers give back.
std::string own_id(const std::string& theirs) { return theirs.substr(0, theirs.find('@')); }

mm4::address number_address(const std::string& value) { return mm4_address_of(is_number(value) ? '+' + value : value); }

std::string digits_of(const mm4::address& a) { return a.is_telephone() ? std::string(a.digits()) : a.value; }

struct status_meaning {
  mm4::mm_status status;
  state means;
  bool is_final;
};
constexpr status_meaning status_meanings[]{
    {mm4::mm_status::retrieved, state::delivered, true}, {mm4::mm_status::expired, state::expired, true},
    {mm4::mm_status::rejected, state::rejected, true},   {mm4::mm_status::unrecognised, state::undelivered, true},
    {mm4::mm_status::indeterminate, state::sent, false}, {mm4::mm_status::deferred, state::sent, false},
    {mm4::mm_status::forwarded, state::sent, false},
};

mm4::mm_status status_of(const engine::receipt_details& r) {
  if (r.intermediate) return mm4::mm_status::forwarded;
  for (const auto& m : status_meanings)
    if (m.is_final && m.means == r.state) return m.status;
  return r.state == state::canceled ? mm4::mm_status::rejected : mm4::mm_status::indeterminate;
}

// The text of a mail, and what else is in it. A presentation only arranges the rest: who needs one gets a new one.
struct mail_content {
  std::string text{};
  std::vector<media_source> media{};
};
mail_content content_of(std::vector<mail_part>&& parts) {
  mail_content out;
  for (auto& p : parts) {
    const auto type = mime::parse_media_type(p.type);
    if (type.is("application/smil") || type.is("application/smil+xml")) continue;
    if (!type.is("text/plain")) {
      out.media.push_back({.content = std::move(p.content), .type = type.essence(), .name = std::move(p.name)});
      continue;
    }
    auto text = mime::to_utf8_or_guess(as_bytes(p.content), type.get("charset"));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (!out.text.empty()) out.text += '\n';
    out.text += text;
  }
  return out;
}

}  // namespace

struct mm4_peers::impl final : engine::sink, mm4::server_handler, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, media_shelf& s, media_intake& i, mm4_peers_options o,
       std::shared_ptr<mm4_peers_observer> obs)
      : executor(std::move(e)),
        engine_(eng),
        port(eng),
        shelf(s),
        intake(i),
        options(std::move(o)),
        observer(std::move(obs)) {}

  // ---- the peers

  static std::uint64_t number_of(const peer_link& l) { return reinterpret_cast<std::uintptr_t>(&l); }

  std::error_code start() {
    auto o = options.server;
    for (const auto& p : options.peers)
      if (may_call(p)) o.peers.push_back(listener_peer_of(p));
    server.emplace(executor, std::move(o), shared_from_this());
    if (const auto ec = server->listen()) return ec;
    listen_port = server->port();
    for (auto& p : options.peers) add(p);
    flush();
    return {};
  }

  // The listener lets nobody in about whom it is told nothing.
  static bool may_call(const mm4_peer& p) { return !p.allowed_addresses.empty() || !p.inbound_username.empty(); }

  void add(const mm4_peer& p) {
    auto made = std::make_shared<peer_link>(p, mm4::client::make(executor, p.client));
    const auto number = number_of(*made);
    post_link(*links.emplace(number, std::move(made)).first->second, true);
  }

  // Who did not change keeps its connections and what is under way.
  void set_peers(std::vector<mm4_peer> wanted) {
    if (is_stopping || !server) return;
    const auto is_same = [](const mm4_peer& a, const mm4_peer& b) {
      return a.endpoint == b.endpoint && a.name == b.name && a.revision == b.revision;
    };
    std::vector<link_ptr> going;
    for (const auto& [number, l] : links)
      if (!l->is_leaving && std::ranges::none_of(wanted, [&](const auto& w) { return is_same(w, l->peer); }))
        going.push_back(l);
    std::vector<mm4::peer> callers;
    for (auto& w : wanted) {
      if (may_call(w)) callers.push_back(listener_peer_of(w));
      const bool is_there = std::ranges::any_of(
          links, [&](const auto& l) { return !l.second->is_leaving && is_same(l.second->peer, w); });
      if (!is_there) add(w);
    }
    server->set_peers(std::move(callers));
    for (const auto& l : going) {
      l->is_leaving = true;
      post_link(*l, true);
      end_when_idle(*l);
    }
    flush();
  }

  void post_link(const peer_link& l, bool up) {
    constexpr std::size_t mails_waiting = 2;  // behind each that is under way: the line never falls idle
    const auto capacity = is_stopping || l.is_leaving || !up ? 0 : l.peer.client.connections_max * mails_waiting;
    port.add_result(engine::link_state{.endpoint = l.peer.endpoint,
                                       .link = number_of(l),
                                       .sink = sink,
                                       .up = up,
                                       .capacity = static_cast<std::uint32_t>(capacity)});
  }

  link_ptr find_peer(const std::string& name) {
    for (const auto& [number, l] : links)
      if (l->peer.name == name && !l->is_leaving) return l;
    return nullptr;
  }

  void stop(std::function<void()> done) {
    is_stopping = true;
    on_stopped = std::move(done);
    if (server) server->stop();
    for (const auto& [number, l] : links) post_link(*l, true);
    flush();
    end_when_idle();
  }

  // After something of the link has ended.
  void end_when_idle(peer_link& l) {
    if (is_stopping) return end_when_idle();
    if (!l.is_leaving || l.under_way > 0) return;
    auto kept = l.shared_from_this();
    if (links.erase(number_of(l)) == 0) return;  // already
    l.client->stop();
    post_link(l, false);
    flush();
    asio::post(executor, [gone = std::move(kept)] {});  // not inside its own callback
  }

  void end_when_idle() {
    if (!is_stopping || !on_stopped) return;
    if (std::ranges::any_of(links, [](const auto& l) { return l.second->under_way > 0; })) return;
    for (const auto& [number, l] : links) {
      l->client->stop();
      post_link(*l, false);
    }
    flush();
    std::exchange(on_stopped, nullptr)();
  }

  // ---- to the peers

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all) self->carry_out(a);
      self->flush();
    });
  }

  void carry_out(engine::action& a) {
    if (auto* order = std::get_if<engine::send>(&a)) return begin(std::move(*order));
    if (const auto* yes = std::get_if<engine::accepted>(&a)) return answered(yes->token.value, {});
    if (const auto* done = std::get_if<engine::report_done>(&a)) return answered(done->token.value, {});
    if (const auto* no = std::get_if<engine::refused>(&a)) return answered(no->token.value, no->reason);
  }

  void begin(engine::send order) {
    const auto at = links.find(order.link);
    if (at == links.end() || is_stopping || at->second->is_leaving)
      return report(order, outcome::not_sent, "the peer is being changed, or the gateway is stopping");
    auto& l = *at->second;
    ++l.under_way;
    if (order.content->receipt) return send_receipt(l, std::move(order));
    auto d = std::make_shared<departure>();
    if (auto mms = read_mms(*order.content)) {
      d->what = *std::move(mms);
    } else if (auto text = to_plain_text(*order.content)) {
      d->what.text = std::move(text->text);
    } else {
      return end(l, order, outcome::permanent, "the content is neither text nor media");
    }
    d->order = std::move(order);
    if (d->what.is_group) return end(l, d->order, outcome::permanent, "the peer takes no messages to a group");
    const auto in = l.peer.in_class;
    if (options.adapter == nullptr || in == media_class::none || d->what.media.empty()) return read_media(l, d);
    options.adapter->adapt(d->what, in, [self = shared_from_this(), kept = l.shared_from_this(), &l, d](adaptation a) {
      asio::post(self->executor, [self, kept, &l, d, a = std::move(a)]() mutable {
        self->have_adapted(l, d, std::move(a));
        self->flush();
      });
    });
  }

  void have_adapted(peer_link& l, const std::shared_ptr<departure>& d, adaptation a) {
    if (a.is == adaptation_verdict::refused) return end(l, d->order, outcome::permanent, std::move(a.why));
    if (a.is == adaptation_verdict::busy) return end(l, d->order, outcome::not_sent, std::move(a.why));
    d->what = std::move(a.message);
    read_media(l, d);
  }

  void read_media(peer_link& l, const std::shared_ptr<departure>& d) {
    if (d->next == d->what.media.size()) return send_message(l, *d);
    const auto read = [self = shared_from_this(), kept = l.shared_from_this(), &l, d](media_find what,
                                                                                      const medium& m) {
      asio::post(self->executor, [self, kept, &l, d, what, content = m.content]() mutable {
        self->have_read(l, d, what, std::move(content));
        self->flush();
      });
    };
    if (!shelf.find(d->what.media[d->next].token, read))
      end(l, d->order, outcome::temporary, "media cannot be read now");
  }

  void have_read(peer_link& l, const std::shared_ptr<departure>& d, media_find what, std::string content) {
    if (what == media_find::failed) return end(l, d->order, outcome::temporary, "media cannot be read now");
    if (what == media_find::absent) return end(l, d->order, outcome::permanent, "its media have expired");
    const auto& m = d->what.media[d->next++];
    auto name = m.name.empty() ? fmt::format("part-{}{}", d->next, extension_of(m.type)) : m.name;
    d->parts.push_back({std::move(name), m.type, std::move(content)});
    read_media(l, d);
  }

  void send_message(peer_link& l, departure& d) {
    if (!d.what.text.empty()) d.parts.push_back({"text.txt", "text/plain; charset=utf-8", d.what.text});
    const auto& c = *d.order.content;
    const auto& p = l.peer.profile;
    const auto id = d.order.id.text();
    mm4::forward_req f;
    f.transaction_id = id;
    f.message_id = id + '@' + p.domain;
    f.rfc_message_id = fmt::format("{}-{}@{}", id, d.order.attempt, p.domain);
    f.from = number_address(c.source.value);
    f.to = {number_address(c.destination.value)};
    const auto envelope = mm4::make_envelope(f, p);  // to this one, whoever else got it
    for (const auto& other : d.what.recipients)
      if (other != c.destination.value) f.to.push_back(number_address(other));
    f.date = driver_clock::wall_now();
    f.sender = f.originator_system = p.system_address();
    f.subject = d.what.subject;
    f.ack_request = l.peer.request_ack;
    f.delivery_report = l.peer.request_delivery_report;
    f.read_reply = l.peer.request_read_receipt;
    f.message_class = mm4::message_class::personal;
    f.forward_counter = 1;
    f.expiry = d.order.valid_until;
    const auto content = mm4_content_of(d.parts, d.order.id.key());
    auto mail = mm4::encode(f, p, &content);
    if (!mail) return end(l, d.order, outcome::permanent, mail.error().code.message());
    transmit(l, d.order, envelope, *std::move(mail), outcome::sent);
  }

  void send_receipt(peer_link& l, engine::send order) {
    const auto& c = *order.content;
    const auto& p = l.peer.profile;
    mm4::forward_req about;
    about.message_id = c.reference;
    about.from = number_address(c.destination.value);
    const auto report = mm4::make_delivery_report(about, number_address(c.source.value), status_of(*c.receipt), p,
                                                  order.id.text() + '@' + p.domain, driver_clock::wall_now());
    auto mail = mm4::encode(report, p);
    if (!mail) return end(l, order, outcome::permanent, mail.error().code.message());
    transmit(l, order, mm4::make_envelope(report, p), *std::move(mail), outcome::delivered);
  }

  void transmit(peer_link& l, const engine::send& order, mm4::envelope to, byte_vector mail, outcome when_taken) {
    auto kept = std::make_shared<const engine::send>(order);
    const auto done = [self = shared_from_this(), link = l.shared_from_this(), &l, kept,
                       when_taken](const mm4::delivery& d) {
      const auto& answer = deciding_answer(d);
      const auto text = answer.code != 0 ? answer.text() : d.error.message();
      auto what = outcome::temporary;
      if (!d.error && answer.is_positive()) what = when_taken;
      else if (answer.is_permanent()) what = outcome::permanent;
      else if (d.error == mm4::errc::delivery_unknown) what = outcome::unknown;
      self->end(l, *kept, what, text, static_cast<std::uint32_t>(answer.code));
      self->flush();
    };
    const auto sent = l.client->send(std::move(to), std::make_shared<const byte_vector>(std::move(mail)), done);
    if (!sent) end(l, order, outcome::temporary, sent.error().code.message());
  }

  void end(peer_link& l, const engine::send& order, outcome what, std::string text, std::uint32_t code = 0) {
    --l.under_way;
    observer->on_attempt(l.peer.name, what);
    report(order, what, std::move(text), code, &l);
    end_when_idle(l);
  }

  void report(const engine::send& order, outcome what, std::string text, std::uint32_t code = 0,
              const peer_link* l = nullptr) {
    engine::attempt_result r{.id = order.id, .attempt = order.attempt, .outcome = what, .code = code};
    if (what == outcome::delivered) {
      r.segments = {{.accepted = true}};
    } else if (what == outcome::sent) {
      // An acknowledgement that was asked for comes later, and counts as delivery where no report was asked for.
      const bool more_to_come = l->peer.request_delivery_report || l->peer.request_ack;
      r.segments = {{.accepted = true, .receipt_expected = more_to_come, .carrier_id = order.id.text()}};
    } else {
      r.text = std::move(text);
    }
    port.add_result(std::move(r));
  }

  // ---- from the peers

  void on_message(incoming_ptr mail) override {
    const auto l = find_peer(mail->from_peer().name);
    if (l == nullptr || is_stopping) return mail->refuse(try_later());
    std::visit([&](const auto& m) { take(*l, mail, m); }, mail->message());
    flush();
  }
  void on_malformed(const mm4::peer& p, const fault& f) override {
    observer->on_message(p.name, mm4_verdict::refused,
                         f.code.message() + (f.field.empty() ? "" : ": " + std::string(f.field)));
  }
  void on_denied(const peer_address& from, std::string_view reason) override {
    observer->on_denied(from.address, reason);
  }

  void refuse(const peer_link& l, const incoming_ptr& mail, const mm4::smtp::reply& r) {
    observer->on_message(l.peer.name, r.is_transient() ? mm4_verdict::busy : mm4_verdict::refused, r.text());
    mail->refuse(r);
  }

  void take(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f) {
    if (f.forward_counter.value_or(0) > l.peer.profile.forward_counter_max)
      return refuse(l, mail, mm4::smtp::make_reply(554, "5.4.6", "the message goes in circles"));
    if (!l.peer.numbers.empty() &&
        (!f.from || std::ranges::find(l.peer.numbers, digits_of(*f.from)) == l.peer.numbers.end()))
      return refuse(l, mail, mm4::smtp::make_reply(550, "5.7.1", "the sender is none of this peer's numbers"));
    auto parts = mail_parts_of(mail->document(), options.part_octets_max);
    if (!parts) return refuse(l, mail, malformed(parts.error().code.message()));
    auto content = content_of(*std::move(parts));
    if (content.media.empty()) return submit(l, mail, f, std::move(content.text), {});
    ++l.under_way;
    constexpr bool all_or_nothing = true;
    const auto until = driver_clock::wall_now() + std::chrono::hours{48};
    // `f` is part of `mail`.
    intake.take(std::move(content.media), until, all_or_nothing,
                [self = shared_from_this(), kept = l.shared_from_this(), &l, mail, &f,
                 text = std::move(content.text)](media_result r) {
                  asio::post(self->executor, [self, kept, &l, mail, &f, text, r = std::move(r)]() mutable {
                    --l.under_way;
                    self->have_media(l, mail, f, std::move(text), std::move(r));
                    self->flush();
                    self->end_when_idle(l);
                  });
                });
  }

  void have_media(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f, std::string text, media_result r) {
    if (r.fault == media_fault::none) return submit(l, mail, f, std::move(text), std::move(r.media));
    if (r.fault == media_fault::refused) return refuse(l, mail, mm4::smtp::make_reply(554, "5.6.1", r.why));
    refuse(l, mail, try_later());
  }

  void submit(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f, std::string text,
              std::vector<mms_medium> media) {
    arrival a{.mail = mail, .from = l.shared_from_this(), .recipients = mm4_recipients_of(mail->envelope(), f)};
    if (a.recipients.empty() || a.recipients.size() > mms_recipients_max)
      return refuse(l, mail, mm4::smtp::make_reply(554, "5.1.3", "no recipient, or too many"));
    mms_message m{
        .subject = f.subject, .text = std::move(text), .base_url = options.media_base_url, .media = std::move(media)};
    if (a.recipients.size() > 1)
      for (const auto& r : a.recipients) m.recipients.push_back(digits_of(r));
    a.open = a.recipients.size();
    const auto recipients = a.recipients;
    const auto number = arrivals.insert(std::move(a));
    for (std::size_t i = 0; i < recipients.size(); ++i) {
      const auto token = waiting.insert(arrived_recipient{number, i});
      port.add_ingress(submit_of(l, f, m, digits_of(recipients[i]), token));
    }
  }

  engine::submit submit_of(const peer_link& l, const mm4::forward_req& f, const mms_message& m, const std::string& to,
                           std::uint64_t token) const {
    auto c = std::make_shared<engine::message_content>(
        *mms_content(m, l.peer.endpoint, f.from ? digits_of(*f.from) : std::string(), to));
    if (f.delivery_report.value_or(false) && f.message_id.size() <= engine::reference_octets_max) {
      c->receipt_wanted = engine::receipt_on_success | engine::receipt_on_failure;
      c->reference = f.message_id;
    }
    if (f.priority == mm4::priority::high) c->priority = 2;
    engine::submit_extras extras{.text = m.text};
    const auto key = f.message_id + '\n' + to;
    extras.duplicate_id =
        key.size() <= engine::duplicate_id_octets_max ? key : to_hex(as_bytes(digest(digest_kind::sha256, key)));
    return {{sink, token}, std::move(c), false, std::make_shared<const engine::submit_extras>(std::move(extras))};
  }

  // What the peer's system says of one of ours: our transaction ids are our messages' ids.
  void take(peer_link& l, const incoming_ptr& mail, const mm4::forward_res& r) {
    observer->on_report(l.peer.name, "response");
    const bool is_good = r.status == mm4::request_status::ok;
    const bool is_last = !is_good || !l.peer.request_delivery_report;
    add_report(l, mail,
               {.carrier_id = own_id(r.transaction_id),
                .state = !is_good                         ? state::rejected
                         : l.peer.request_delivery_report ? state::sent
                                                          : state::delivered,
                .intermediate = !is_last,
                .text = is_good ? std::string() : words_of(mm4::to_string(r.status), r.status_text)});
  }

  void take(peer_link& l, const incoming_ptr& mail, const mm4::delivery_report_req& r) {
    observer->on_report(l.peer.name, "delivery");
    const auto* const meaning = std::ranges::find(status_meanings, r.status, &status_meaning::status);
    add_report(l, mail,
               {.carrier_id = own_id(r.message_id),
                .state = meaning->means,
                .intermediate = !meaning->is_final,
                .text = meaning->means == state::delivered ? std::string()
                                                           : words_of(mm4::to_string(r.status), r.status_text)});
  }

  // Whoever has read it, or thrown it away, has it.
  void take(peer_link& l, const incoming_ptr& mail, const mm4::read_reply_report_req& r) {
    observer->on_report(l.peer.name, "read");
    add_report(l, mail, {.carrier_id = own_id(r.message_id), .state = state::delivered});
  }

  // Answers to our reports: nothing depends on them.
  static void take(const peer_link&, const incoming_ptr& mail, const mm4::response_headers&) { mail->accept(); }

  static std::string words_of(std::string_view status, const std::string& text) {
    return std::string(status) + (text.empty() ? "" : ": " + text);
  }

  void add_report(peer_link& l, const incoming_ptr& mail, engine::report r) {
    r.token = {sink, waiting.insert(arrived_report{mail, l.shared_from_this()})};
    r.endpoint = l.peer.endpoint;
    port.add_ingress(std::move(r));
  }

  // ---- answers of the engine

  void answered(std::uint64_t token, std::optional<engine::refusal> refusal) {
    const auto what = waiting.take(token);
    if (!what) return;
    if (const auto* r = std::get_if<arrived_report>(&*what)) return report_taken(*r, refusal);
    const auto& one = std::get<arrived_recipient>(*what);
    auto* const a = arrivals.find(one.arrival);
    if (!refusal) ++a->accepted;
    else if (engine::is_temporary(*refusal)) a->is_busy = true;
    else a->refused.push_back(a->recipients[one.index]);
    if (--a->open == 0) conclude(*arrivals.take(one.arrival));
  }

  void report_taken(const arrived_report& r, std::optional<engine::refusal> refusal) {
    if (refusal && engine::is_temporary(*refusal)) return r.mail->refuse(try_later());
    r.mail->accept();
    respond(*r.from, r.mail->message(), mm4::request_status::ok, {});
  }

  // What is busy the peer brings again; those that were taken are then known.
  void conclude(const arrival& a) {
    const auto& l = a.from;
    if (a.is_busy) return refuse(*l, a.mail, try_later());
    if (a.accepted == 0)
      return refuse(*l, a.mail, mm4::smtp::make_reply(550, "5.1.1", "none of the recipients can be reached"));
    observer->on_message(l->peer.name, mm4_verdict::taken, {});
    a.mail->accept();
    const auto status = a.refused.empty() ? mm4::request_status::ok : mm4::request_status::sending_address_unresolved;
    respond(*l, a.mail->message(), status, a.refused);
  }

  // Sent once, not kept: who misses it asks again.
  void respond(peer_link& l, const mm4::message& request, mm4::request_status status,
               const std::vector<mm4::address>& about) {
    const auto& p = l.peer.profile;
    const auto to = mm4::response_mailbox(request, p);
    if (to.empty()) return;
    auto response = mm4::make_response(request, to, status, p, driver_clock::wall_now());
    if (!response) return;
    if (auto* const res = std::get_if<mm4::forward_res>(&*response)) res->request_recipients = about;
    auto mail = mm4::encode(*response, p);
    if (!mail) return;
    ++l.under_way;
    const auto sent =
        l.client->send(mm4::make_envelope(*response, p), std::make_shared<const byte_vector>(*std::move(mail)),
                       [self = shared_from_this(), kept = l.shared_from_this()](const mm4::delivery&) {
                         --kept->under_way;
                         self->end_when_idle(*kept);
                       });
    if (!sent) --l.under_way;
  }

  void flush() {
    port.flush([this](const engine::event& e) {
      if (const auto* s = std::get_if<engine::submit>(&e)) answered(s->token.value, engine::refusal::queue_full);
      if (const auto* r = std::get_if<engine::report>(&e)) answered(r->token.value, engine::refusal::queue_full);
    });
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  media_shelf& shelf;
  media_intake& intake;
  mm4_peers_options options;
  std::shared_ptr<mm4_peers_observer> observer;
  engine::sink_id sink = 0;
  std::optional<mm4::server> server;
  std::uint16_t listen_port = 0;
  std::map<std::uint64_t, link_ptr> links;
  slab<arrival> arrivals;
  slab<awaited> waiting;
  bool is_stopping = false;
  std::function<void()> on_stopped;
};

mm4_peers::mm4_peers(asio::any_io_executor executor, engine::inbox& e, media_shelf& shelf, media_intake& intake,
                     mm4_peers_options options, std::shared_ptr<mm4_peers_observer> observer)
    : impl_(std::make_shared<impl>(std::move(executor), e, shelf, intake, std::move(options), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
}

mm4_peers::~mm4_peers() {
  impl_->engine_.remove_sink(impl_->sink);
  impl_->server.reset();
  for (const auto& [number, l] : impl_->links) l->client.reset();
}

std::error_code mm4_peers::start() {
  std::promise<std::error_code> started;
  asio::post(impl_->executor, [&] { started.set_value(impl_->start()); });
  return started.get_future().get();
}

std::uint16_t mm4_peers::port() const noexcept { return impl_->listen_port; }

void mm4_peers::set_peers(std::vector<mm4_peer> peers) {
  asio::post(impl_->executor,
             [self = impl_, peers = std::move(peers)]() mutable { self->set_peers(std::move(peers)); });
}

void mm4_peers::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)]() mutable { self->stop(std::move(done)); });
}

}  // namespace msgkit::app
