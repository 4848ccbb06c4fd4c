#include "mmsgw/mm4_intake.hpp"

#include <algorithm>

#include "common/log.hpp"
#include "connectors/mm4_mail.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mm4"};

event_state state_of(mm4::mm_status s) {
  switch (s) {
    case mm4::mm_status::retrieved: return event_state::delivered;
    case mm4::mm_status::deferred:
    case mm4::mm_status::indeterminate:
    case mm4::mm_status::forwarded: return event_state::forwarded;
    default: return event_state::failed;
  }
}

void add_recipients(const mm4_arrival& a, const mm4::forward_req& f, message& m) {
  const auto role_of = [&](const mm4::address& one) {
    const auto is = [&](const mm4::address& other) { return other.digits() == one.digits(); };
    if (std::ranges::any_of(f.to, is)) return recipient_role::to;
    return std::ranges::any_of(f.cc, is) ? recipient_role::cc : recipient_role::bcc;
  };
  for (const auto& one : mm4_recipients_of(a.envelope(), f))
    m.recipients.push_back({.number = one.value, .role = role_of(one)});
}

message to_message(const mm4_arrival& a, const mm4::forward_req& f) {
  message m;
  m.group = a.gateway();
  m.peer_ref = f.message_id;
  m.last_tran_id = f.transaction_id;
  m.ack_at_addr = mm4::response_mailbox(f, a.profile());
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
  m.forward_count = f.forward_counter.value_or(0);
  auto& t = m.content;
  t.origin = m.origin;
  t.subject = f.subject;
  if (f.message_class) t.message_class = mime::lower(mm4::to_string(*f.message_class));
  if (f.content_class) t.content_class = mm4::to_string(*f.content_class);
  if (f.sender_visibility) t.show_sender = *f.sender_visibility == mm4::sender_visibility::show;
  t.drm = f.drm_content;
  t.content_adaptation = f.adaptation_allowed;
  if (f.expiry) {
    const auto at = mm4::expiry_moment(*f.expiry, f.date.value_or(driver_clock::wall_now()));
    t.latest_delivery =
        std::max<std::int64_t>(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count(), 1);
  }
  add_recipients(a, f, m);
  return m;
}

const mm4::smtp::reply try_later = mm4::smtp::make_reply(451, "4.3.0", "try again later");

void conclude(mm4_arrival& a, report_fate f) {
  if (f == report_fate::failed) a.refuse(try_later);
  else a.accept("accepted");
}

}  // namespace

void mm4_intake::take(const arrival& a) {
  std::visit([&](const auto& x) { take(a, x); }, a->message());
}

void mm4_intake::take(const arrival& a, const mm4::forward_req& f) {
  if (f.forward_counter.value_or(0) > a->profile().forward_counter_max)
    return a->refuse(mm4::smtp::make_reply(554, "5.4.6", "the message goes in circles"));
  auto parts = mail_parts_of(a->document(), part_bytes_max_);
  if (!parts) return a->refuse(mm4::smtp::make_reply(554, "5.6.0", parts.error().code.message()));
  hub_.receive(a->gateway(), to_message(*a, f), *std::move(parts), [a](intake fate, const std::string& id) {
    switch (fate) {
      case intake::failed: return a->refuse(try_later);
      case intake::repeated: return a->accept("seen before as " + id);
      case intake::stored: return a->accept("taken as " + id);
    }
  });
}

void mm4_intake::take(const arrival& a, const mm4::forward_res& r) {
  const auto text = std::string(mm4::to_string(r.status)) + (r.status_text.empty() ? "" : ": " + r.status_text);
  hub_.acknowledged(a->gateway(),
                    {.transaction_id = r.transaction_id,
                     .is_good = r.status == mm4::request_status::ok,
                     .may_try_again = mm4::is_retryable(r.status),
                     .code = std::to_string(mm4::http_code(r.status)),
                     .text = text},
                    [a](report_fate fate) { conclude(*a, fate); });
}

void mm4_intake::take(const arrival& a, const mm4::delivery_report_req& r) {
  report(a, r, state_of(r.status), std::to_string(mm4::http_code(r.status)), std::string(mm4::to_string(r.status)));
}

void mm4_intake::take(const arrival& a, const mm4::read_reply_report_req& r) {
  const bool is_read = r.status == mm4::read_status::read;
  report(a, r, event_state::read, is_read ? "200" : "406", std::string(mm4::to_string(r.status)));
}

// Answers to our reports: nothing depends on them.
void mm4_intake::take(const arrival& a, const mm4::response_headers&) { a->accept("accepted"); }

template <class R>
void mm4_intake::report(const arrival& a, const R& r, event_state state, const std::string& code, std::string text) {
  if (!r.status_text.empty()) text += ": " + r.status_text;
  hub::report about{.message_id = r.message_id,
                    .number = r.from && r.from->is_telephone() ? r.from->value : "",
                    .state = state,
                    .code = code,
                    .text = std::move(text)};
  const auto link = std::ranges::find_if(links_, [&](const auto& l) { return l->name() == a->gateway(); });
  const auto responds = link != links_.end() && r.ack_request.value_or(false) ? *link : nullptr;
  hub_.reported(a->gateway(), std::move(about), [a, responds, &r](report_fate fate) {  // `r` is part of `a`
    if (fate == report_fate::unknown_message) log_.info("a report is about nothing known", {{"gateway", a->gateway()}});
    conclude(*a, fate);
    if (fate != report_fate::failed && responds) responds->respond(r);
  });
}

// ---- SMTP

namespace {

class smtp_arrival final : public mm4_arrival {
 public:
  explicit smtp_arrival(std::shared_ptr<mm4::incoming> in) : in_(std::move(in)) {}
  [[nodiscard]] const std::string& gateway() const override { return in_->from_peer().name; }
  [[nodiscard]] const mm4::peer_profile& profile() const override { return in_->from_peer().profile; }
  [[nodiscard]] const mm4::envelope& envelope() const override { return in_->envelope(); }
  [[nodiscard]] const mm4::message& message() const override { return in_->message(); }
  [[nodiscard]] const mime::document& document() const override { return in_->document(); }
  void accept(const std::string& text) override { in_->accept(text); }
  void refuse(const mm4::smtp::reply& r) override { in_->refuse(r); }

 private:
  std::shared_ptr<mm4::incoming> in_;
};

class smtp_handler final : public mm4::server_handler {
 public:
  explicit smtp_handler(std::shared_ptr<mm4_intake> intake) : intake_(std::move(intake)) {}
  void on_message(std::shared_ptr<mm4::incoming> m) override {
    intake_->take(std::make_shared<smtp_arrival>(std::move(m)));
  }
  void on_malformed(const mm4::peer& p, const fault& f) override {
    log_.warn("a mail was refused", {{"gateway", p.name}, {"reason", f.code}, {"field", f.field}});
  }
  void on_denied(const peer_address& from, std::string_view reason) override {
    log_.warn("a peer was refused", {{"address", from.address}, {"reason", reason}});
  }

 private:
  std::shared_ptr<mm4_intake> intake_;
};

}  // namespace

std::shared_ptr<mm4::server_handler> make_mm4_handler(std::shared_ptr<mm4_intake> intake) {
  return std::make_shared<smtp_handler>(std::move(intake));
}

}  // namespace msgkit::app::mms
