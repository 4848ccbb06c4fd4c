#include "msgkit/mm7/service.hpp"

#include <algorithm>
#include <list>
#include <type_traits>
#include <unordered_map>

#include "decode.hpp"
#include "msgkit/mm7/exchange.hpp"

namespace msgkit::mm7 {
namespace {

http_reply plain(unsigned status, std::string_view text) {
  http_reply r{.status = status, .content_type = "text/plain; charset=utf-8"};
  append(r.body, text);
  return r;
}

http_reply to_reply(const envelope& e) {
  auto body = encode(e);
  if (!body) return plain(500, "the answer cannot be written");
  return {.status = 200, .content_type = std::move(body->content_type), .body = std::move(body->body)};
}

bool is_for_relay(const operation& o) noexcept {
  return std::holds_alternative<submit_req>(o) || std::holds_alternative<cancel_req>(o) ||
         std::holds_alternative<extended_cancel_req>(o) || std::holds_alternative<replace_req>(o) ||
         std::holds_alternative<extended_replace_req>(o);
}

bool takes(service_role role, const operation& o) noexcept {
  if (response_name(o).empty()) return false;
  return role == service_role::both || (role == service_role::relay) == is_for_relay(o);
}

// Releases 5 and 6 are all there are.
bool is_known_version(std::string_view version) noexcept {
  return version.starts_with("5.") || version.starts_with("6.");
}

std::string_view vasp_id_of(const operation& o) noexcept {
  return std::visit(
      [](const auto& x) -> std::string_view {
        if constexpr (requires { x.vasp_id; }) return x.vasp_id;
        else return {};
      },
      o);
}

}  // namespace

envelope make_response(const envelope& request, const status& s, std::string_view id) {
  envelope e{.transaction_id = request.transaction_id, .version = request.version};
  if (!request.ns.empty()) e.ns = request.ns;
  const auto fill = [&]<class R>(R r) {
    r.status = s;
    if constexpr (requires { r.message_id; }) r.message_id = id;
    if constexpr (requires { r.service_code; }) r.service_code = id;
    e.operation = std::move(r);
  };
  const auto& o = request.operation;
  if (std::holds_alternative<submit_req>(o)) fill(submit_rsp{});
  else if (std::holds_alternative<deliver_req>(o)) fill(deliver_rsp{});
  else if (std::holds_alternative<cancel_req>(o)) fill(cancel_rsp{});
  else if (std::holds_alternative<extended_cancel_req>(o)) fill(extended_cancel_rsp{});
  else if (std::holds_alternative<replace_req>(o)) fill(replace_rsp{});
  else if (std::holds_alternative<extended_replace_req>(o)) fill(extended_replace_rsp{});
  else if (std::holds_alternative<delivery_report_req>(o)) fill(delivery_report_rsp{});
  else fill(read_reply_rsp{});
  return e;
}

struct service_state : std::enable_shared_from_this<service_state> {
  // What was said rather than how it was written: a repetition has all that the reply was made of, and there are many.
  struct kept_answer {
    mm7::status status;
    std::string id;
  };
  struct transaction {
    std::string key;
    time_point until;
    std::size_t fingerprint = 0;
    std::optional<kept_answer> answered{};           // empty: the application is at it
    std::vector<service::reply_function> waiting{};  // then, who wants to know
  };
  using transactions = std::list<transaction>;

  service_options options;
  service::handler on_request;
  transactions all;  // oldest first
  std::unordered_map<std::string_view, transactions::iterator> by_key;  // the key stands in the transaction
  std::size_t pending = 0;

  void handle(const http_call& call, time_point now, service::reply_function reply);
  void take(std::shared_ptr<incoming> m, time_point now, service::reply_function reply);
  void finish(const std::string& key, const envelope& request, kept_answer a);
  void forget_old(time_point now);
  [[nodiscard]] std::optional<envelope> refusal_of(const incoming& m) const;

 private:
  void drop(transactions::iterator t) {
    by_key.erase(t->key);
    all.erase(t);
  }
};

void service_state::handle(const http_call& call, time_point now, service::reply_function reply) {
  if (call.method != "POST") {
    auto refused = plain(405, "MM7 requests are sent with POST");
    refused.fields.emplace_back("Allow", "POST");
    return reply(std::move(refused));
  }
  caller from;
  if (options.admit) {
    auto admitted = options.admit(call, now);
    if (auto* refused = std::get_if<http_reply>(&admitted)) return reply(std::move(*refused));
    from = std::get<caller>(std::move(admitted));
  }
  std::shared_ptr<incoming> m(new incoming);
  m->body_.assign(call.body.begin(), call.body.end());
  m->from_ = std::move(from);
  m->peer_ = call.peer;
  std::string transaction_id;
  const auto ok = decode_into(m->received_, call.content_type, m->body_, options.limits, &transaction_id);
  const bool is_for_vasp = options.role == service_role::vasp;
  if (!ok) {
    m->answered_ = true;
    return reply(to_reply(make_fault(ok.error(), transaction_id, !is_for_vasp)));
  }
  if (auto refused = refusal_of(*m)) {
    m->answered_ = true;
    return reply(to_reply(*refused));
  }
  take(std::move(m), now, std::move(reply));
}

std::optional<envelope> service_state::refusal_of(const incoming& m) const {
  const auto& e = m.envelope();
  if (!takes(options.role, e.operation))
    return make_fault({make_error_code(errc::operation_unknown), name_of(e.operation), 0}, e.transaction_id,
                      options.role != service_role::vasp, e.version);
  if (!is_known_version(e.version)) return make_response(e, {status_code::unsupported_version, {}, "5 and 6 are known"});
  if (!m.from_.vasp_id.empty() && vasp_id_of(e.operation) != m.from_.vasp_id && is_for_relay(e.operation))
    return make_response(e, {status_code::improper_identification, {}, "VASPID is not the caller's"});
  return std::nullopt;
}

void service_state::take(std::shared_ptr<incoming> m, time_point now, service::reply_function reply) {
  forget_old(now);
  const auto& e = m->envelope();
  std::string key = m->from_.name;
  key.append("\n").append(name_of(e.operation)).append("\n").append(e.transaction_id);
  // Everything of the request but its content: a peer that uses one transaction id for different messages loses none.
  if (auto written = encode(e)) m->canonical_ = std::move(written->body);
  const auto print = std::hash<std::string_view>{}(m->canonical());
  const auto known = by_key.find(key);
  if (known != by_key.end()) {
    auto& t = *known->second;
    if (t.fingerprint == print) {
      m->answered_ = true;
      if (t.answered) return reply(to_reply(make_response(e, t.answered->status, t.answered->id)));
      if (t.waiting.size() < 8) return t.waiting.push_back(std::move(reply));
      return reply(to_reply(make_response(e, {status_code::service_unavailable, {}, "repeated too often"})));
    }
    if (t.answered) drop(known->second);
    else key += '\n' + std::to_string(print);  // two at once under one id
  }
  if (pending >= options.pending_max || by_key.contains(key)) {
    m->answered_ = true;
    auto busy = plain(503, "too many requests are waiting");
    busy.fields.emplace_back("Retry-After", "5");
    return reply(std::move(busy));
  }
  all.push_back({.key = key, .until = now + options.transaction_lifetime, .fingerprint = print});
  all.back().waiting.push_back(std::move(reply));
  by_key.emplace(all.back().key, std::prev(all.end()));
  ++pending;
  m->key_ = std::move(key);
  m->service_ = weak_from_this();
  on_request(std::move(m));
}

void service_state::finish(const std::string& key, const envelope& request, kept_answer a) {
  const auto found = by_key.find(key);
  if (found == by_key.end()) return;
  const auto self = shared_from_this();  // an answer may end the service
  --pending;
  const auto t = found->second;
  auto reply = to_reply(make_response(request, a.status, a.id));
  const auto waiting = std::exchange(t->waiting, {});
  if (is_retryable(a.status.code)) drop(t);
  else t->answered = std::move(a);
  for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i](i + 1 < waiting.size() ? reply : std::move(reply));
}

void service_state::forget_old(time_point now) {
  for (auto t = all.begin(); t != all.end() && (t->until <= now || all.size() > options.transactions_max);) {
    const auto old = t++;
    if (old->answered) drop(old);
  }
}

incoming::~incoming() { answer({status_code::service_unavailable, {}, {}}); }

void incoming::answer(const status& s, std::string_view id) {
  if (std::exchange(answered_, true)) return;
  const auto state = service_.lock();
  if (!state) return;
  state->finish(key_, envelope(), {s, std::string(is_success(s.code) ? id : std::string_view{})});
}

service::service(service_options options, handler on_request) : state_(std::make_shared<service_state>()) {
  state_->options = std::move(options);
  state_->on_request = std::move(on_request);
}

service::~service() = default;

void service::handle(const http_call& call, time_point now, reply_function reply) {
  state_->handle(call, now, std::move(reply));
}

std::size_t service::pending_count() const noexcept { return state_->pending; }

}  // namespace msgkit::mm7
