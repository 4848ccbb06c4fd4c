// What goes to the peers: messages with their media, and receipts as delivery reports.
#include <fmt/format.h>

#include <asio/post.hpp>

#include "connectors/mm4_peers_impl.hpp"
#include "connectors/plain_text.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::app {
namespace {

using state = engine::message_state;

mm4::address number_address(const std::string& value) { return mm4_address_of(is_number(value) ? '+' + value : value); }

mm4::mm_status status_of(const engine::receipt_details& r) {
  if (r.intermediate) return mm4::mm_status::forwarded;
  for (const auto& m : mm_status_meanings)
    if (m.is_final && m.means == r.state) return m.status;
  return r.state == state::canceled ? mm4::mm_status::rejected : mm4::mm_status::indeterminate;
}

}  // namespace

void mm4_peers::impl::on_actions(std::vector<engine::action>&& actions) {
  asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
    for (auto& a : all) self->carry_out(a);
    self->flush();
  });
}

void mm4_peers::impl::carry_out(engine::action& a) {
  if (auto* order = std::get_if<engine::send>(&a)) return begin(std::move(*order));
  if (const auto* yes = std::get_if<engine::accepted>(&a)) return answered(yes->token.value, {});
  if (const auto* done = std::get_if<engine::report_done>(&a)) return answered(done->token.value, {});
  if (const auto* no = std::get_if<engine::refused>(&a)) return answered(no->token.value, no->reason);
}

void mm4_peers::impl::begin(engine::send order) {
  const auto at = links.find(order.link);
  if (at == links.end() || is_stopping || at->second->is_leaving)
    return report(order, outcome::not_sent, "the peer is being changed, or the gateway is stopping");
  auto& l = *at->second;
  ++l.under_way;
  if (order.content->receipt) return send_receipt(l, order);
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

void mm4_peers::impl::have_adapted(peer_link& l, const std::shared_ptr<departure>& d, adaptation a) {
  if (a.is == adaptation_verdict::refused) return end(l, d->order, outcome::permanent, std::move(a.why));
  if (a.is == adaptation_verdict::busy) return end(l, d->order, outcome::not_sent, std::move(a.why));
  d->what = std::move(a.message);
  read_media(l, d);
}

void mm4_peers::impl::read_media(peer_link& l, const std::shared_ptr<departure>& d) {
  if (d->next == d->what.media.size()) return send_message(l, *d);
  const auto read = [self = shared_from_this(), kept = l.shared_from_this(), &l, d](media_find what, const medium& m) {
    asio::post(self->executor, [self, kept, &l, d, what, content = m.content]() mutable {
      self->have_read(l, d, what, std::move(content));
      self->flush();
    });
  };
  if (!shelf.find(d->what.media[d->next].token, read)) end(l, d->order, outcome::temporary, "media cannot be read now");
}

void mm4_peers::impl::have_read(peer_link& l, const std::shared_ptr<departure>& d, media_find what,
                                std::string content) {
  if (what == media_find::failed) return end(l, d->order, outcome::temporary, "media cannot be read now");
  if (what == media_find::absent) return end(l, d->order, outcome::permanent, "its media have expired");
  const auto& m = d->what.media[d->next++];
  auto name = m.name.empty() ? fmt::format("part-{}{}", d->next, extension_of(m.type)) : m.name;
  d->parts.push_back({std::move(name), m.type, std::move(content)});
  read_media(l, d);
}

void mm4_peers::impl::send_message(peer_link& l, departure& d) {
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

void mm4_peers::impl::send_receipt(peer_link& l, const engine::send& order) {
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

void mm4_peers::impl::transmit(peer_link& l, const engine::send& order, mm4::envelope to, byte_vector mail,
                               outcome when_taken) {
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

void mm4_peers::impl::end(peer_link& l, const engine::send& order, outcome what, std::string text, std::uint32_t code) {
  --l.under_way;
  observer->on_attempt(l.peer.name, what);
  report(order, what, std::move(text), code, &l);
  end_when_idle(l);
}

void mm4_peers::impl::report(const engine::send& order, outcome what, std::string text, std::uint32_t code,
                             const peer_link* l) {
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

}  // namespace msgkit::app
