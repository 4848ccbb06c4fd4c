// What comes from the peers: messages, which are acknowledged when the engine has them, and reports on ours.
#include <algorithm>
#include <asio/post.hpp>

#include "common/digest.hpp"
#include "connectors/mm4_peers_impl.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/mime/charset.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::app {
namespace {

using state = engine::message_state;

mm4::smtp::reply try_later() { return mm4::smtp::make_reply(451, "4.3.0", "try again later"); }
mm4::smtp::reply malformed(std::string_view why) { return mm4::smtp::make_reply(554, "5.6.0", why); }

// Our ids stand before the '@' of what peers give back.
std::string own_id(const std::string& theirs) { return theirs.substr(0, theirs.find('@')); }

std::string digits_of(const mm4::address& a) { return a.is_telephone() ? std::string(a.digits()) : a.value; }

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

std::string words_of(std::string_view status, const std::string& text) {
  return std::string(status) + (text.empty() ? "" : ": " + text);
}

}  // namespace

void mm4_peers::impl::on_message(incoming_ptr mail) {
  const auto l = find_peer(mail->from_peer().name);
  if (l == nullptr || is_stopping) return mail->refuse(try_later());
  std::visit([&](const auto& m) { take(*l, mail, m); }, mail->message());
  flush();
}
void mm4_peers::impl::on_malformed(const mm4::peer& p, const fault& f) {
  observer->on_message(p.name, mm4_verdict::refused,
                       f.code.message() + (f.field.empty() ? "" : ": " + std::string(f.field)));
}
void mm4_peers::impl::on_admitted(const mm4::peer& p, const peer_address& from) {
  if (const auto l = find_peer(p.name)) observer->on_connected(l->peer, from);
}
void mm4_peers::impl::on_released(const mm4::peer&, const peer_address& from) { observer->on_disconnected(from); }
void mm4_peers::impl::on_denied(const peer_address& from, std::string_view reason) {
  observer->on_denied(from.address, reason);
}

void mm4_peers::impl::refuse(const peer_link& l, const incoming_ptr& mail, const mm4::smtp::reply& r) {
  observer->on_message(l.peer.name, r.is_transient() ? mm4_verdict::busy : mm4_verdict::refused, r.text());
  mail->refuse(r);
}

void mm4_peers::impl::take(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f) {
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

void mm4_peers::impl::have_media(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f, std::string text,
                                 media_result r) {
  if (r.fault == media_fault::none) return submit(l, mail, f, std::move(text), std::move(r.media));
  if (r.fault == media_fault::refused) return refuse(l, mail, mm4::smtp::make_reply(554, "5.6.1", r.why));
  refuse(l, mail, try_later());
}

void mm4_peers::impl::submit(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f, std::string text,
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

engine::submit mm4_peers::impl::submit_of(const peer_link& l, const mm4::forward_req& f, const mms_message& m,
                                          const std::string& to, std::uint64_t token) const {
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
void mm4_peers::impl::take(peer_link& l, const incoming_ptr& mail, const mm4::forward_res& r) {
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

void mm4_peers::impl::take(peer_link& l, const incoming_ptr& mail, const mm4::delivery_report_req& r) {
  observer->on_report(l.peer.name, "delivery");
  const auto* const meaning = std::ranges::find(mm_status_meanings, r.status, &mm_status_meaning::status);
  add_report(
      l, mail,
      {.carrier_id = own_id(r.message_id),
       .state = meaning->means,
       .intermediate = !meaning->is_final,
       .text = meaning->means == state::delivered ? std::string() : words_of(mm4::to_string(r.status), r.status_text)});
}

// Whoever has read it, or thrown it away, has it.
void mm4_peers::impl::take(peer_link& l, const incoming_ptr& mail, const mm4::read_reply_report_req& r) {
  observer->on_report(l.peer.name, "read");
  add_report(l, mail, {.carrier_id = own_id(r.message_id), .state = state::delivered});
}

void mm4_peers::impl::add_report(peer_link& l, const incoming_ptr& mail, engine::report r) {
  r.token = {sink, waiting.insert(arrived_report{mail, l.shared_from_this()})};
  r.endpoint = l.peer.endpoint;
  if (const auto id = engine::message_id::parse(r.carrier_id)) r.about = *id;
  port.add_ingress(std::move(r));
}

void mm4_peers::impl::answered(std::uint64_t token, std::optional<engine::refusal> refusal) {
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

void mm4_peers::impl::report_taken(const arrived_report& r, std::optional<engine::refusal> refusal) {
  if (refusal && engine::is_temporary(*refusal)) return r.mail->refuse(try_later());
  r.mail->accept();
  respond(*r.from, r.mail->message(), mm4::request_status::ok, {});
}

// What is busy the peer brings again; those that were taken are then known.
void mm4_peers::impl::conclude(const arrival& a) {
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
void mm4_peers::impl::respond(peer_link& l, const mm4::message& request, mm4::request_status status,
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

}  // namespace msgkit::app
