#include "mmsgw/mm4_link.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "common/log.hpp"
#include "connectors/mm4_mail.hpp"
#include "msgkit/core/mime/entity.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mm4"};

wall_time wall_now() { return driver_clock::wall_now(); }
wall_time from_ms(std::int64_t ms) { return wall_time{std::chrono::milliseconds{ms}}; }

template <class E>
std::optional<E> optional_value(const std::string& text) {
  return text.empty() ? std::nullopt : mm4::parse_value<E>(text);
}

// The canonical codes of the REST API.
mm4::request_status request_status_of(const std::string& code) {
  using s = mm4::request_status;
  if (code == "200") return s::ok;
  if (code == "400") return s::message_format_corrupt;
  if (code == "403") return s::service_denied;
  if (code == "404") return s::message_not_found;
  if (code == "406" || code == "413") return s::content_not_accepted;
  if (code == "415") return s::unsupported_message;
  if (code == "503") return s::network_problem;
  return s::unspecified;
}

mm4::mm_status mm_status_of(const std::string& code) {
  using s = mm4::mm_status;
  if (code == "200") return s::retrieved;
  if (code == "202") return s::forwarded;
  if (code == "404") return s::unrecognised;
  if (code == "406") return s::rejected;
  if (code == "408") return s::expired;
  if (code == "410") return s::deferred;
  return s::indeterminate;
}

mm4::forward_req to_forward(const submission& s, const mm4_gateway& g) {
  const auto& m = *s.what;
  const auto& c = m.content;
  const auto now = wall_now();
  mm4::forward_req f;
  f.transaction_id = s.transaction_id;
  f.message_id = m.id + '@' + g.profile.domain;
  f.rfc_message_id = f.transaction_id + '@' + g.profile.domain;
  const auto& numbers = g.options.addressing;
  const auto to = [&](const recipient& r) { return mm4_address_of(numbers.dest(r.number)); };
  f.from = mm4_address_of(numbers.origin(m.origin));
  for (const auto& r : m.recipients) {
    if (r.role == recipient_role::to) f.to.push_back(to(r));
    if (r.role == recipient_role::cc) f.cc.push_back(to(r));
  }
  // Hidden recipients are named to themselves alone.
  if (f.to.empty() && f.cc.empty()) f.to.push_back(to(m.recipients[s.index]));
  f.date = now;
  f.sender = g.profile.system_address();
  f.subject = c.subject;
  f.originator_system = g.profile.system_address();
  f.ack_request = g.request_ack;
  f.delivery_report = g.request_delivery_report;
  f.read_reply = g.request_read_receipt;
  f.message_class = optional_value<mm4::message_class>(c.message_class);
  f.content_class = optional_value<mm4::content_class>(c.content_class);
  f.priority = optional_value<mm4::priority>(m.priority);
  if (c.show_sender) f.sender_visibility = *c.show_sender ? mm4::sender_visibility::show : mm4::sender_visibility::hide;
  f.adaptation_allowed = c.content_adaptation;
  f.drm_content = c.drm;
  f.forward_counter = static_cast<std::uint32_t>(m.forward_count + 1);
  if (c.latest_delivery != 0) f.expiry = from_ms(c.latest_delivery * 1'000);
  else if (c.expire_after != 0) f.expiry = from_ms(m.created_ms + c.expire_after * 1'000);
  f.applic_id = g.applic_id;
  f.reply_applic_id = g.reply_applic_id;
  f.aux_applic_info = g.aux_applic_info;
  f.mmsip_address = g.mmsip_address;
  f.forward_route = g.forward_route;
  f.return_route = g.return_route;
  return f;
}

// Of an inbound message, as much as answers need.
mm4::forward_req to_request(const message& m) {
  mm4::forward_req f;
  f.transaction_id = m.last_tran_id;
  f.message_id = m.peer_ref;
  f.from = mm4_address_of(m.origin);
  f.ack_request = true;
  f.originator_system = m.ack_at_addr;
  f.reply_applic_id = m.reply_to_app;
  for (const auto& r : m.recipients) f.to.push_back(mm4_address_of(r.number));
  return f;
}

}  // namespace

mm4_link::mm4_link(asio::any_io_executor executor, mm4_gateway settings)
    : gateway_link(settings.name, settings.group),
      settings_(std::move(settings)),
      prober_(std::make_unique<prober>(executor)) {
  client_ = mm4::client::make(std::move(executor), settings_.client);
}

mm4_link::~mm4_link() = default;

void mm4_link::submit(submission s, std::function<void(submit_result)> done) {
  const auto f = to_forward(s, settings_);
  const auto body = mm4_content_of(*s.parts, std::hash<std::string>{}(s.transaction_id));
  const auto mail = mm4::encode(f, settings_.profile, &body);
  auto alone = f;
  alone.to = {mm4_address_of(settings_.options.addressing.dest(s.what->recipients[s.index].number))};
  alone.cc.clear();
  const auto refuse = [&](const std::error_code& why) {
    asio::post(client_->executor(), [done, text = why.message()] { done({submit_verdict::refused, "400", text, {}}); });
  };
  if (!mail) return refuse(mail.error().code);
  auto finished = [done](const mm4::delivery& d) {
    const auto& answer = deciding_answer(d);
    const auto text = d.error ? (answer.code != 0 ? answer.text() : d.error.message()) : answer.text();
    const auto code = answer.code != 0 ? std::to_string(answer.code) : std::string("40");
    if (!d.error && answer.is_positive()) return done({submit_verdict::taken, "200", d.answer.text(), {}});
    // Also when nobody knows whether the peer took it: it knows the message by its id.
    done({answer.is_permanent() ? submit_verdict::refused : submit_verdict::try_again, code, text, {}});
  };
  const auto sent =
      client_->send(mm4::make_envelope(alone, settings_.profile), std::make_shared<const byte_vector>(*mail), finished);
  if (sent) return;
  if (sent.error().code == mm4::errc::queue_full || sent.error().code == mm4::errc::session_closed) {
    asio::post(client_->executor(), [done] {
      done({submit_verdict::try_again, "40", "the gateway is busy or stopping", {}});
    });
    return;
  }
  refuse(sent.error().code);
}

void mm4_link::send(const mm4::message& m, std::function<void(answer_verdict, std::string)> done) {
  const auto mail = mm4::encode(m, settings_.profile);
  const auto later = [&](answer_verdict v, std::string why) {
    asio::post(client_->executor(), [done, v, why = std::move(why)] { done(v, why); });
  };
  if (!mail) return later(answer_verdict::impossible, mail.error().code.message());
  const auto sent = client_->send(mm4::make_envelope(m, settings_.profile), std::make_shared<const byte_vector>(*mail),
                                  [done](const mm4::delivery& d) {
                                    if (!d.error) return done(answer_verdict::done, {});
                                    const bool is_final = d.answer.is_permanent();
                                    done(is_final ? answer_verdict::impossible : answer_verdict::try_again,
                                         d.answer.code != 0 ? d.answer.text() : d.error.message());
                                  });
  if (!sent) later(answer_verdict::try_again, sent.error().code.message());
}

void mm4_link::answer(const answer_order& a, const message& about, std::shared_ptr<const std::vector<loaded_part>>,
                      std::function<void(answer_verdict, std::string)> done) {
  const auto f = to_request(about);
  const auto& p = settings_.profile;
  const auto transaction_id = a.id + '@' + p.domain;
  if (a.kind == answer_kind::delivery_report)
    return send(
        mm4::make_delivery_report(f, mm4_address_of(a.recipient), mm_status_of(a.code), p, transaction_id, wall_now()),
        std::move(done));
  if (a.kind == answer_kind::read_report)
    return send(mm4::make_read_reply_report(f, mm4_address_of(a.recipient),
                                            a.code == "200" ? mm4::read_status::read : mm4::read_status::deleted, p,
                                            transaction_id, wall_now()),
                std::move(done));
  const auto response =
      mm4::make_response(f, about.ack_at_addr, request_status_of(a.code), p, wall_now(), a.description);
  const bool can = response && !about.ack_at_addr.empty() && !about.last_tran_id.empty();
  if (can) return send(*response, std::move(done));
  asio::post(client_->executor(),
             [done = std::move(done)] { done(answer_verdict::impossible, "the message names nobody to answer"); });
}

void mm4_link::respond(const mm4::message& request) {
  const auto to = mm4::response_mailbox(request, settings_.profile);
  if (to.empty()) return;
  const auto response = mm4::make_response(request, to, mm4::request_status::ok, settings_.profile, wall_now());
  if (!response) return;
  send(*response, [name = name()](answer_verdict v, const std::string& why) {
    if (v != answer_verdict::done) log_.info("a response was not sent", {{"gateway", name}, {"reason", why}});
  });
}

void mm4_link::probe(std::function<void(bool)> done) { prober_->probe(settings_.client.connect, std::move(done)); }

void mm4_link::stop(std::function<void()> done) { client_->stop(std::move(done)); }

}  // namespace msgkit::app::mms
