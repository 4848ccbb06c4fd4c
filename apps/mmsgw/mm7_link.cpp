#include "mmsgw/mm7_link.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "common/digest.hpp"
#include "common/log.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/mime/entity.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mm7"};

mm7::address to_address(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.find('@') != std::string::npos) return {.kind = mm7::address_kind::email, .value = text};
  const bool is_number = text.starts_with('+') || (text.size() > 6 && std::ranges::all_of(text, is_digit));
  return {.kind = is_number ? mm7::address_kind::number : mm7::address_kind::short_code, .value = text};
}

// "personal" as the schema writes it.
std::string capital(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

// The canonical codes of the REST API, and back.
std::string_view mm_status_of(const std::string& code) {
  if (code == "200") return "Retrieved";
  if (code == "202") return "Forwarded";
  if (code == "404") return "Unrecognised";
  if (code == "406") return "Rejected";
  if (code == "408") return "Expired";
  if (code == "410") return "Deferred";
  return "Indeterminate";
}

struct status_row {
  std::string_view name;
  event_state state;
  std::string_view code;
};
constexpr status_row statuses[] = {
    {"Retrieved", event_state::delivered, "200"},
    {"Forwarded", event_state::forwarded, "202"},
    {"Deferred", event_state::forwarded, "410"},
    {"Indeterminate", event_state::forwarded, "202"},
    {"Expired", event_state::failed, "408"},
    {"Rejected", event_state::failed, "406"},
    {"Unrecognised", event_state::failed, "404"},
    {"Unrecognized", event_state::failed, "404"},
    {"Delivery Condition Not Met", event_state::failed, "406"},
};

// The request without its content: the same again from a peer that repeats itself.
std::string reference_of(const mm7::incoming& in) {
  const auto sum = digest(digest_kind::sha256, in.canonical());
  return in.envelope().transaction_id + '/' + to_hex(as_bytes(std::string_view(sum).substr(0, 8)));
}

// Unix seconds.
std::int64_t seconds_of(const mm7::relative_or_absolute& t) {
  const auto* from_now = std::get_if<std::chrono::seconds>(&t);
  const auto at = from_now != nullptr ? driver_clock::wall_now() + *from_now : std::get<wall_time>(t);
  return std::max<std::int64_t>(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count(), 1);
}

std::vector<mime::out_part> out_parts_of(const std::vector<loaded_part>& loaded) {
  std::vector<mime::out_part> parts;
  for (const auto& p : loaded)
    parts.push_back({.type = mime::parse_media_type(p.type),
                     .id = p.name,
                     .location = p.name,
                     .name = p.name,
                     .content = as_bytes(p.content)});
  return parts;
}

std::string part_name(const mime::part& p, std::size_t index) {
  if (!p.name.empty()) return p.name;
  auto name = mime::safe_file_name(p.location.empty() ? p.id : p.location);
  return name.empty() ? "part-" + std::to_string(index + 1) : name;
}

}  // namespace

mm7_link::mm7_link(asio::any_io_executor executor, asio::any_io_executor intake, mm7_gateway settings, hub& h,
                   std::size_t part_bytes_max)
    : gateway_link(settings.name, settings.group),
      settings_(std::move(settings)),
      hub_(h),
      hub_box_(executor),
      intake_box_(std::move(intake)),
      part_bytes_max_(part_bytes_max),
      prober_(std::make_unique<prober>(executor)) {
  settings_.client.exchange.attempts_max = 1;  // the hub tries again, and keeps count
  client_ = mm7::client::make(std::move(executor), settings_.client);
  admit_only(settings_.callers);
  mm7::service_options o;
  o.limits.mime.message_bytes_max = 2 * part_bytes_max;
  o.admit = [this](const mm7::http_call& call, time_point now) { return admit(call, now); };
  service_ =
      std::make_unique<mm7::service>(std::move(o), [this](const std::shared_ptr<mm7::incoming>& in) { take(in); });
}

mm7_link::~mm7_link() = default;

void mm7_link::admit_only(mm7_callers callers) {
  callers_ = std::move(callers);
  authentication_ = nullptr;
  if (callers_.username.empty()) return;
  authentication_ = std::make_unique<mm7::server_authentication>(mm7::server_authentication_options{
      .realm = "mmsgw", .password_of = [this](std::string_view user) -> std::optional<std::string> {
        if (user == callers_.username) return callers_.password;
        return std::nullopt;
      }});
}

mm7::envelope mm7_link::wrap(std::string transaction_id, mm7::operation o) const {
  return {.transaction_id = std::move(transaction_id), .version = settings_.version, .operation = std::move(o)};
}

void mm7_link::submit(submission s, std::function<void(submit_result)> done) {
  const auto& m = *s.what;
  const auto& c = m.content;
  mm7::submit_req r;
  r.vasp_id = settings_.vasp_id;
  r.vas_id = settings_.vas_id;
  const auto& numbers = settings_.options.addressing;
  if (!m.origin.empty()) r.sender_address = to_address(numbers.origin(m.origin));
  for (const auto& one : m.recipients) {
    auto a = to_address(numbers.dest(one.number));
    a.display_only = one.index != s.index;  // the others have requests of their own
    if (a.display_only && one.role == recipient_role::bcc) continue;
    (one.role == recipient_role::to   ? r.recipients.to
     : one.role == recipient_role::cc ? r.recipients.cc
                                      : r.recipients.bcc)
        .push_back(std::move(a));
  }
  r.service_code = settings_.service_code;
  r.linked_id = m.linked_id;
  r.message_class = capital(c.message_class);
  r.time_stamp = wall_time{std::chrono::milliseconds{m.created_ms}};
  if (c.latest_delivery != 0) r.expiry_date = wall_time{std::chrono::seconds{c.latest_delivery}};
  else if (c.expire_after != 0)
    r.expiry_date = wall_time{std::chrono::milliseconds{m.created_ms} + std::chrono::seconds{c.expire_after}};
  r.delivery_report = settings_.request_delivery_report;
  r.read_reply = settings_.request_read_receipt;
  r.priority = capital(m.priority);
  r.subject = c.subject;
  r.charged_party = capital(c.charged_party);
  r.distribution_indicator = c.can_redistribute;
  r.applic_id = settings_.applic_id;
  r.reply_applic_id = settings_.reply_applic_id;
  r.aux_applic_info = settings_.aux_applic_info;
  r.content_class = c.content_class;
  r.drm_content = c.drm;
  if (c.content_adaptation) r.content = mm7::content_reference{.allow_adaptations = c.content_adaptation};
  const auto sent = client_->send(
      wrap(s.transaction_id, std::move(r)), out_parts_of(*s.parts), [done, name = name()](const mm7::answer& a) {
        submit_result out;
        out.code = a.status             ? std::to_string(static_cast<unsigned>(a.status->code))
                   : a.http_status != 0 ? std::to_string(a.http_status)
                                        : "50";
        out.description = a.status
                              ? (a.status->text.empty() ? std::string(mm7::to_string(a.status->code)) : a.status->text)
                              : a.error.message();
        if (!a.message_id.empty()) out.carrier_id = name + ':' + a.message_id;
        // With one recipient a partial success is about him.
        const bool is_good = a.verdict == mm7::verdict::accepted || a.verdict == mm7::verdict::partial;
        out.verdict = is_good                              ? submit_verdict::acknowledged
                      : a.verdict == mm7::verdict::refused ? submit_verdict::refused
                                                           : submit_verdict::try_again;
        done(std::move(out));
      });
  if (sent) return;
  const bool is_busy = sent.error().code == mm7::errc::queue_full || sent.error().code == mm7::errc::session_closed;
  asio::post(client_->executor(), [done, is_busy, why = sent.error().code.message()] {
    done({is_busy ? submit_verdict::try_again : submit_verdict::refused, is_busy ? "50" : "400", why, {}});
  });
}

mm7::operation mm7_link::change_of(const answer_order& a, const message& about) const {
  const auto fill = [&](auto r) -> mm7::operation {
    r.vasp_id = settings_.vasp_id;
    r.vas_id = settings_.vas_id;
    const auto& c = about.content;
    if constexpr (requires { r.message_id; }) r.message_id = a.code;
    if constexpr (requires { r.cancel_id; }) r.cancel_id = a.code;
    if constexpr (requires { r.replace_id; }) r.replace_id = a.code;
    if constexpr (requires { r.service_code; }) r.service_code = settings_.service_code;
    if constexpr (requires { r.time_stamp; }) r.time_stamp = driver_clock::wall_now();
    if constexpr (requires { r.read_reply; }) r.read_reply = settings_.request_read_receipt;
    if constexpr (requires { r.delivery_report; }) r.delivery_report = settings_.request_delivery_report;
    if constexpr (requires { r.content; })
      if (c.content_adaptation) r.content = mm7::content_reference{.allow_adaptations = c.content_adaptation};
    if constexpr (requires { r.drm_content; }) {
      r.distribution_indicator = c.can_redistribute;
      r.content_class = c.content_class;
      r.drm_content = c.drm;
    }
    return r;
  };
  if (a.kind == answer_kind::cancel)
    return settings_.extended_operations ? fill(mm7::extended_cancel_req{}) : fill(mm7::cancel_req{});
  return settings_.extended_operations ? fill(mm7::extended_replace_req{}) : fill(mm7::replace_req{});
}

void mm7_link::answer(const answer_order& a, const message& about,
                      std::shared_ptr<const std::vector<loaded_part>> loaded,
                      std::function<void(answer_verdict, std::string)> done) {
  const auto fill = [&](auto r) -> mm7::operation {
    r.message_id = about.id;  // what the SubmitRsp said
    r.recipient = to_address(a.recipient);
    r.sender = to_address(about.origin);
    r.date = driver_clock::wall_now();
    r.status_text = a.description;
    const bool is_read_report = a.kind == answer_kind::read_report;
    r.mm_status = is_read_report ? (a.code == "200" ? "Read" : "Deleted") : mm_status_of(a.code);
    return r;
  };
  // The HTTP answer was the acknowledgement.
  if (a.kind == answer_kind::acknowledgement) {
    asio::post(client_->executor(), [done = std::move(done)] { done(answer_verdict::done, {}); });
    return;
  }
  auto operation = a.kind == answer_kind::read_report       ? fill(mm7::read_reply_req{})
                   : a.kind == answer_kind::delivery_report ? fill(mm7::delivery_report_req{})
                                                            : change_of(a, about);
  const auto parts = loaded ? out_parts_of(*loaded) : std::vector<mime::out_part>{};
  const auto sent = client_->send(wrap(a.id, std::move(operation)), parts, [done](const mm7::answer& r) {
    const auto why = r.status ? std::string(mm7::to_string(r.status->code)) : r.error.message();
    done(r.verdict == mm7::verdict::try_again ? answer_verdict::try_again
         : r.verdict == mm7::verdict::refused ? answer_verdict::impossible
                                              : answer_verdict::done,
         why);
  });
  if (!sent)
    asio::post(client_->executor(),
               [done, why = sent.error().code.message()] { done(answer_verdict::try_again, why); });
}

void mm7_link::probe(std::function<void(bool)> done) { prober_->probe(settings_.client.connect, std::move(done)); }

void mm7_link::stop(std::function<void()> done) { client_->stop(std::move(done)); }

// ---- intake

void mm7_link::at_hub(std::function<void(hub&)> work) {
  hub_box_.post([self = weak_from_this(), work = std::move(work)] {
    if (const auto link = self.lock()) work(link->hub_);
  });
}

void mm7_link::post(const http_request& request, const http_responder& responder) {
  service_->handle({.method = request.method,
                    .target = request.target,
                    .content_type = request.header("Content-Type"),
                    .authorization = request.header("Authorization"),
                    .peer = request.peer,
                    .body = as_bytes(request.body)},
                   driver_clock::now(), [responder](const mm7::http_reply& r) {
                     http_response out{
                         .status = r.status, .body = std::string(as_text(r.body)), .content_type = r.content_type};
                     for (const auto& [name, value] : r.fields) out.fields.push_back({name, value});
                     responder.send(std::move(out));
                   });
}

mm7::admission mm7_link::admit(const mm7::http_call& call, time_point now) {
  const auto address = call.peer.substr(0, call.peer.rfind(':'));
  const bool is_bracketed = address.starts_with('[') && address.ends_with(']');
  if (!callers_.allowed_addresses.contains(is_bracketed ? address.substr(1, address.size() - 2) : address)) {
    log_.warn("a peer was refused", {{"gateway", name()}, {"address", address}});
    return mm7::http_reply{.status = 403};
  }
  if (!authentication_) return mm7::caller{name(), {}};
  auto said =
      authentication_->check({.method = call.method, .uri = call.target, .body = call.body}, call.authorization, now);
  if (auto* refused = std::get_if<mm7::http_reply>(&said)) return std::move(*refused);
  return mm7::caller{std::get<std::string>(said), {}};
}

void mm7_link::take(const std::shared_ptr<mm7::incoming>& in) {
  const auto& o = in->envelope().operation;
  message m;
  m.group = name();
  m.last_tran_id = in->envelope().transaction_id;
  m.peer_ref = reference_of(*in);
  auto& t = m.content;
  const auto common = [&](const auto& r) {
    m.linked_id = r.linked_id;
    if (!r.priority.empty()) m.priority = mime::lower(r.priority);
    m.handling_app = r.applic_id;
    m.reply_to_app = r.reply_applic_id;
    m.app_info = r.aux_applic_info;
    t.subject = r.subject;
    if (r.content) t.content_adaptation = r.content->allow_adaptations;
  };
  if (const auto* s = std::get_if<mm7::submit_req>(&o)) {
    common(*s);
    if (s->sender_address) m.origin = s->sender_address->value;
    m.dr_requested = s->delivery_report.value_or(false);
    m.rr_requested = s->read_reply.value_or(false);
    t.message_class = mime::lower(s->message_class);
    t.content_class = s->content_class;
    t.charged_party = mime::lower(s->charged_party);
    t.drm = s->drm_content;
    t.can_redistribute = s->distribution_indicator;
    if (s->earliest_delivery_time) t.earliest_delivery = seconds_of(*s->earliest_delivery_time);
    if (s->expiry_date) t.latest_delivery = seconds_of(*s->expiry_date);
    return take_message(in, std::move(m), s->recipients);
  }
  if (const auto* d = std::get_if<mm7::deliver_req>(&o)) {
    common(*d);
    if (d->sender) m.origin = d->sender->value;
    m.relay_server = d->relay_server_id;
    m.ua_caps = d->ua_prof;
    m.reply_charging_id = d->reply_charging_id;
    return take_message(in, std::move(m), d->recipients);
  }
  if (const auto* r = std::get_if<mm7::delivery_report_req>(&o)) {
    const auto* row = std::ranges::find_if(
        statuses, [&](const status_row& s) { return mime::equal_ignoring_case(s.name, r->mm_status); });
    const bool is_known = row != std::ranges::end(statuses);
    return take_report(in, *r, is_known ? row->state : event_state::undefined,
                       std::string(is_known ? row->code : "400"));
  }
  if (const auto* r = std::get_if<mm7::read_reply_req>(&o))
    return take_report(in, *r, event_state::read, r->mm_status == "Read" ? "200" : "406");
  if (const auto* c = std::get_if<mm7::cancel_req>(&o)) return take_change(in, {.message_id = c->message_id});
  if (const auto* c = std::get_if<mm7::extended_cancel_req>(&o)) return take_change(in, {.message_id = c->cancel_id});
  replacement content;
  if (!read_parts(in, content.parts)) return;
  if (const auto* r = std::get_if<mm7::replace_req>(&o)) {
    if (r->earliest_delivery_time) content.earliest_delivery = seconds_of(*r->earliest_delivery_time);
    content.content_class = r->content_class;
    content.drm = r->drm_content;
    content.can_redistribute = r->distribution_indicator;
    if (r->content) content.content_adaptation = r->content->allow_adaptations;
    return take_change(in, {.message_id = r->message_id, .content = std::move(content)});
  }
  if (const auto* r = std::get_if<mm7::extended_replace_req>(&o)) {
    if (r->earliest_delivery_time) content.earliest_delivery = seconds_of(*r->earliest_delivery_time);
    if (r->content) content.content_adaptation = r->content->allow_adaptations;
    return take_change(in, {.message_id = r->replace_id, .content = std::move(content)});
  }
  in->answer({mm7::status_code::unsupported_operation, {}, {}});
}

void mm7_link::take_change(const std::shared_ptr<mm7::incoming>& in, change_order c) {
  const auto finish = [in](change_fate fate) {
    using s = mm7::status_code;
    switch (fate) {
      case change_fate::done: return in->answer({});
      case change_fate::unknown_message: return in->answer({s::message_id_not_found, {}, {}});
      case change_fate::too_late: return in->answer({s::not_possible, {}, "it is no longer here"});
      case change_fate::failed: return in->answer({s::service_unavailable, {}, {}});
    }
  };
  at_hub([name = name(), c = std::move(c), finish, box = intake_box_](hub& h) {
    h.change(name, c, [box, finish](change_fate fate) { box.post([finish, fate] { finish(fate); }); });
  });
}

// False: answered.
bool mm7_link::read_parts(const std::shared_ptr<mm7::incoming>& in, std::vector<inbound_part>& parts) {
  for (const auto* p : in->received().parts()) {
    std::string content;
    const auto ok = mime::decode(*p, part_bytes_max_, [&content](bytes_view octets) {
      content += as_text(octets);
      return true;
    });
    if (!ok) {
      in->answer({mm7::status_code::message_format_corrupt, {}, ok.error().code.message()});
      return false;
    }
    parts.push_back({part_name(*p, parts.size()), mime::to_string(p->type), std::move(content)});
  }
  return true;
}

void mm7_link::take_message(const std::shared_ptr<mm7::incoming>& in, message m, const mm7::recipient_list& to) {
  m.content.origin = m.origin;
  const auto add = [&](const std::vector<mm7::address>& all, recipient_role role) {
    for (const auto& a : all) {
      const bool known = std::ranges::any_of(m.recipients, [&](const recipient& r) { return r.number == a.value; });
      if (!a.display_only && !known) m.recipients.push_back({.number = a.value, .role = role});
    }
  };
  add(to.to, recipient_role::to);
  add(to.cc, recipient_role::cc);
  add(to.bcc, recipient_role::bcc);
  if (m.recipients.empty()) return in->answer({mm7::status_code::address_error, {}, "nobody to deliver to"});
  std::vector<inbound_part> parts;
  if (!read_parts(in, parts)) return;
  const auto finish = [in](intake fate, const std::string& id) {
    if (fate == intake::failed) return in->answer({mm7::status_code::service_unavailable, {}, {}});
    // DeliverRsp has a ServiceCode where SubmitRsp has the id.
    const bool has_id = std::holds_alternative<mm7::submit_req>(in->envelope().operation);
    in->answer({}, has_id ? id : "");
  };
  struct arrival {
    message m;
    std::vector<inbound_part> parts;
  };
  const auto a = std::make_shared<arrival>(arrival{std::move(m), std::move(parts)});
  at_hub([name = name(), a, finish, box = intake_box_](hub& h) {
    h.receive(name, std::move(a->m), std::move(a->parts), [box, finish](intake fate, const std::string& id) {
      box.post([finish, fate, id] { finish(fate, id); });
    });
  });
}

void mm7_link::take_report(const std::shared_ptr<mm7::incoming>& in, const mm7::report& r, event_state state,
                           const std::string& code) {
  const auto finish = [in](report_fate fate) {
    using s = mm7::status_code;
    in->answer({fate == report_fate::failed            ? s::service_unavailable
                : fate == report_fate::unknown_message ? s::message_id_not_found
                                                       : s::success,
                {},
                {}});
  };
  hub::report about{.message_id = name() + ':' + r.message_id,
                    .number = r.recipient ? r.recipient->value : "",
                    .state = state,
                    .code = code,
                    .text = r.status_text.empty() ? r.mm_status : r.status_text};
  at_hub([name = name(), about = std::move(about), finish, box = intake_box_](hub& h) {
    h.reported(name, about, [box, finish](report_fate fate) { box.post([finish, fate] { finish(fate); }); });
  });
}

}  // namespace msgkit::app::mms
