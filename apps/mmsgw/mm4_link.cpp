#include "mmsgw/mm4_link.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "common/log.hpp"
#include "msgkit/core/mime/entity.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mm4"};

wall_time wall_now() { return driver_clock::wall_now(); }
wall_time from_ms(std::int64_t ms) { return wall_time{std::chrono::milliseconds{ms}}; }

mm4::address to_address(const std::string& text) {
  auto a = mm4::parse_address(text);
  return a ? *std::move(a) : mm4::address{.kind = mm4::address_kind::alphanumeric, .value = text};
}

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

event_state state_of(mm4::mm_status s) {
  switch (s) {
    case mm4::mm_status::retrieved: return event_state::delivered;
    case mm4::mm_status::deferred:
    case mm4::mm_status::indeterminate:
    case mm4::mm_status::forwarded: return event_state::forwarded;
    default: return event_state::failed;
  }
}

mm4::forward_req to_forward(const submission& s, const mm4_gateway& g) {
  const auto& m = *s.what;
  const auto& c = m.content;
  const auto now = wall_now();
  mm4::forward_req f;
  f.transaction_id = s.transaction_id;
  f.message_id = m.id + '@' + g.profile.domain;
  f.rfc_message_id = f.transaction_id + '@' + g.profile.domain;
  f.from = to_address(m.origin);
  for (const auto& r : m.recipients) {
    if (r.role == recipient_role::to) f.to.push_back(to_address(r.number));
    if (r.role == recipient_role::cc) f.cc.push_back(to_address(r.number));
  }
  // Hidden recipients are named to themselves alone.
  if (f.to.empty() && f.cc.empty()) f.to.push_back(to_address(m.recipients[s.index].number));
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
  f.forward_counter = 1;
  if (c.latest_delivery != 0) f.expiry = from_ms(c.latest_delivery * 1'000);
  else if (c.expire_after != 0) f.expiry = from_ms(m.created_ms + c.expire_after * 1'000);
  f.applic_id = g.applic_id;
  f.reply_applic_id = g.reply_applic_id;
  f.aux_applic_info = g.aux_applic_info;
  return f;
}

mm4::content to_content(const std::vector<loaded_part>& parts, std::uint64_t seed) {
  std::vector<mime::out_part> out;
  for (const auto& p : parts)
    out.push_back({.type = mime::parse_media_type(p.type), .id = p.name, .location = p.name, .name = p.name, .content = as_bytes(p.content)});
  return mm4::content(std::move(out), {.boundary_seed = seed});
}

// Of an inbound message, as much as answers need.
mm4::forward_req to_request(const message& m) {
  mm4::forward_req f;
  f.transaction_id = m.last_tran_id;
  f.message_id = m.peer_ref;
  f.from = to_address(m.origin);
  f.ack_request = true;
  f.originator_system = m.ack_at_addr;
  f.reply_applic_id = m.reply_to_app;
  for (const auto& r : m.recipients) f.to.push_back(to_address(r.number));
  return f;
}

}  // namespace

mm4_link::mm4_link(asio::any_io_executor executor, mm4_gateway settings)
    : gateway_link(settings.name, settings.group), settings_(std::move(settings)) {
  client_ = mm4::client::make(std::move(executor), settings_.client);
}

mm4_link::~mm4_link() = default;

void mm4_link::submit(submission s, std::function<void(submit_result)> done) {
  const auto f = to_forward(s, settings_);
  const auto body = to_content(*s.parts, std::hash<std::string>{}(s.transaction_id));
  const auto mail = mm4::encode(f, settings_.profile, &body);
  auto alone = f;
  alone.to = {to_address(s.what->recipients[s.index].number)};
  alone.cc.clear();
  const auto refuse = [&](const std::error_code& why) {
    asio::post(client_->executor(), [done, text = why.message()] { done({submit_verdict::refused, "400", text, {}}); });
  };
  if (!mail) return refuse(mail.error().code);
  auto finished = [done](const mm4::delivery& d) {
    const auto& answer = d.recipients.empty() || d.recipients.front().answer.code == 0 ? d.answer : d.recipients.front().answer;
    const auto text = d.error ? (answer.code != 0 ? answer.text() : d.error.message()) : answer.text();
    const auto code = answer.code != 0 ? std::to_string(answer.code) : std::string("40");
    if (!d.error && answer.is_positive()) return done({submit_verdict::taken, "200", d.answer.text(), {}});
    // Also when nobody knows whether the peer took it: it knows the message by its id.
    done({answer.is_permanent() ? submit_verdict::refused : submit_verdict::try_again, code, text, {}});
  };
  const auto sent = client_->send(mm4::make_envelope(alone, settings_.profile), std::make_shared<const byte_vector>(*mail), finished);
  if (sent) return;
  if (sent.error().code == mm4::errc::queue_full || sent.error().code == mm4::errc::session_closed) {
    asio::post(client_->executor(), [done] { done({submit_verdict::try_again, "40", "the gateway is busy or stopping", {}}); });
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

void mm4_link::answer(const answer_order& a, const message& about, std::function<void(answer_verdict, std::string)> done) {
  const auto f = to_request(about);
  const auto& p = settings_.profile;
  const auto transaction_id = a.id + '@' + p.domain;
  if (a.kind == answer_kind::delivery_report)
    return send(mm4::make_delivery_report(f, to_address(a.recipient), mm_status_of(a.code), p, transaction_id, wall_now()), std::move(done));
  if (a.kind == answer_kind::read_report)
    return send(mm4::make_read_reply_report(f, to_address(a.recipient), a.code == "200" ? mm4::read_status::read : mm4::read_status::deleted, p,
                                            transaction_id, wall_now()), std::move(done));
  const auto response = mm4::make_response(f, about.ack_at_addr, request_status_of(a.code), p, wall_now(), a.description);
  const bool can = response && !about.ack_at_addr.empty() && !about.last_tran_id.empty();
  if (can) return send(*response, std::move(done));
  asio::post(client_->executor(), [done = std::move(done)] { done(answer_verdict::impossible, "the message names nobody to answer"); });
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

void mm4_link::stop(std::function<void()> done) { client_->stop(std::move(done)); }

// ---- intake

namespace {

class mm4_intake final : public mm4::server_handler {
 public:
  mm4_intake(hub& h, std::vector<std::shared_ptr<mm4_link>> links, std::size_t part_bytes_max)
      : hub_(h), links_(std::move(links)), part_bytes_max_(part_bytes_max) {}

  void on_message(std::shared_ptr<mm4::incoming> m) override {
    std::visit([&](const auto& x) { take(*m, x); }, m->message());
  }
  void on_malformed(const mm4::peer& p, const fault& f) override {
    log_.warn("a mail was refused", {{"gateway", p.name}, {"reason", f.code}, {"field", f.field}});
  }
  void on_denied(const peer_address& from, std::string_view reason) override {
    log_.warn("a peer was refused", {{"address", from.address}, {"reason", reason}});
  }

 private:
  void take(mm4::incoming& in, const mm4::forward_req& f) {
    const auto& p = in.from_peer().profile;
    if (f.forward_counter.value_or(0) > p.forward_counter_max) return in.refuse(mm4::smtp::make_reply(554, "5.4.6", "the message goes in circles"));
    message m = to_message(in, f);
    std::vector<inbound_part> parts;
    for (const auto* part : in.document().leaves()) {
      auto content = mime::decode(*part, part_bytes_max_);
      if (!content) return in.refuse(mm4::smtp::make_reply(554, "5.6.0", content.error().code.message()));
      parts.push_back({part_name(*part, parts.size()), mime::to_string(part->type), std::string(as_text(*content))});
    }
    std::string id;
    const auto wanted_ack = m.ack_requested;
    switch (hub_.receive(in.from_peer().name, std::move(m), parts, id)) {
      case intake::failed: return in.refuse(mm4::smtp::make_reply(451, "4.3.0", "try again later"));
      case intake::repeated:
        // The response may be what got lost.
        if (wanted_ack && !id.empty() && !hub_.order({.message_id = id, .gateway = in.from_peer().name, .code = "200"}))
          return in.refuse(mm4::smtp::make_reply(451, "4.3.0", "try again later"));
        return in.accept("seen before as " + id);
      case intake::stored: return in.accept("taken as " + id);
    }
  }

  static std::string part_name(const mime::part& p, std::size_t index) {
    if (!p.name.empty()) return p.name;
    auto name = mime::safe_file_name(p.location.empty() ? p.id : p.location);
    return name.empty() ? "part-" + std::to_string(index + 1) : name;
  }

  static message to_message(const mm4::incoming& in, const mm4::forward_req& f) {
    message m;
    m.group = in.from_peer().name;
    m.peer_ref = f.message_id;
    m.last_tran_id = f.transaction_id;
    m.ack_at_addr = mm4::response_mailbox(f, in.from_peer().profile);
    m.ack_requested = f.ack_request.value_or(false);
    m.dr_requested = f.delivery_report.value_or(false);
    m.rr_requested = f.read_reply.value_or(false);
    if (f.from) m.origin = f.from->value;
    if (f.priority) m.priority = mime::lower(mm4::to_string(*f.priority));
    m.handling_app = f.applic_id;
    m.reply_to_app = f.reply_applic_id;
    m.app_info = f.aux_applic_info;
    m.reply_charging_id = f.reply_charging_id;
    m.relay_server = f.sender;
    auto& t = m.content;
    t.origin = m.origin;
    t.subject = f.subject;
    if (f.message_class) t.message_class = mime::lower(mm4::to_string(*f.message_class));
    if (f.content_class) t.content_class = mm4::to_string(*f.content_class);
    if (f.sender_visibility) t.show_sender = *f.sender_visibility == mm4::sender_visibility::show;
    t.drm = f.drm_content;
    t.content_adaptation = f.adaptation_allowed;
    add_recipients(in, f, m);
    return m;
  }

  // Those of the envelope; a hub's own mailbox stands for those of the header.
  static void add_recipients(const mm4::incoming& in, const mm4::forward_req& f, message& m) {
    const auto role_of = [&](const mm4::address& a) {
      const auto is = [&](const mm4::address& b) { return b.digits() == a.digits(); };
      if (std::ranges::any_of(f.to, is)) return recipient_role::to;
      return std::ranges::any_of(f.cc, is) ? recipient_role::cc : recipient_role::bcc;
    };
    const auto add = [&](const mm4::address& a) {
      const bool known = std::ranges::any_of(m.recipients, [&](const recipient& r) { return r.number == a.value; });
      if (!known) m.recipients.push_back({.number = a.value, .role = role_of(a)});
    };
    for (const auto& mailbox : in.envelope().rcpt_to)
      if (const auto a = mm4::parse_address(mailbox); a && a->is_telephone()) add(*a);
    if (!m.recipients.empty()) return;
    for (const auto& a : f.to) add(a);
    for (const auto& a : f.cc) add(a);
  }

  void take(mm4::incoming& in, const mm4::forward_res& r) {
    const bool is_good = r.status == mm4::request_status::ok;
    const auto text = std::string(mm4::to_string(r.status)) + (r.status_text.empty() ? "" : ": " + r.status_text);
    conclude(in, hub_.acknowledged(in.from_peer().name, r.transaction_id, is_good, mm4::is_retryable(r.status),
                                   std::to_string(mm4::http_code(r.status)), text));
  }
  void take(mm4::incoming& in, const mm4::delivery_report_req& r) {
    report(in, r, state_of(r.status), std::to_string(mm4::http_code(r.status)), std::string(mm4::to_string(r.status)));
  }
  void take(mm4::incoming& in, const mm4::read_reply_report_req& r) {
    const bool is_read = r.status == mm4::read_status::read;
    report(in, r, event_state::read, is_read ? "200" : "406", std::string(mm4::to_string(r.status)));
  }
  // Answers to our reports: nothing depends on them.
  void take(mm4::incoming& in, const mm4::response_headers&) { in.accept(); }

  template <class R>
  void report(mm4::incoming& in, const R& r, event_state state, const std::string& code, std::string text) {
    if (!r.status_text.empty()) text += ": " + r.status_text;
    const auto fate = hub_.reported(in.from_peer().name, {.message_id = r.message_id,
                                                          .number = r.from && r.from->is_telephone() ? r.from->value : "",
                                                          .state = state, .code = code, .text = text});
    if (fate == report_fate::unknown_message) log_.info("a report is about nothing known", {{"gateway", in.from_peer().name}});
    conclude(in, fate);
    if (fate == report_fate::failed || !r.ack_request.value_or(false)) return;
    for (const auto& link : links_)
      if (link->name() == in.from_peer().name) link->respond(r);
  }
  static void conclude(mm4::incoming& in, report_fate f) {
    if (f == report_fate::failed) return in.refuse(mm4::smtp::make_reply(451, "4.3.0", "try again later"));
    in.accept();
  }

  hub& hub_;
  std::vector<std::shared_ptr<mm4_link>> links_;
  std::size_t part_bytes_max_;
};

}  // namespace

std::shared_ptr<mm4::server_handler> make_mm4_intake(hub& h, std::vector<std::shared_ptr<mm4_link>> links, std::size_t part_bytes_max) {
  return std::make_shared<mm4_intake>(h, std::move(links), part_bytes_max);
}

}  // namespace msgkit::app::mms
