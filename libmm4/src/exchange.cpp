#include "msgkit/mm4/exchange.hpp"

#include <algorithm>

#include "text.hpp"

namespace msgkit::mm4 {
namespace {

// The parts of requests that acknowledgement needs, whatever their type.
struct request_view {
  bool is_request = false;
  bool ack = false;
  std::string_view originator_system{};
};

request_view view(const message& m) {
  request_view v{.is_request = is_request(type_of(m))};
  std::visit(
      [&v](const auto& x) {
        if constexpr (requires { x.ack_request; }) {
          v.ack = x.ack_request.value_or(false);
          v.originator_system = x.originator_system;
        }
      },
      m);
  return v;
}

std::string_view without_brackets(std::string_view text) noexcept {
  text = unquoted(text);
  const auto open = text.rfind('<');
  if (open != std::string_view::npos && text.ends_with('>')) text = text.substr(open + 1, text.size() - open - 2);
  return text;
}

bool is_mailbox(std::string_view text) noexcept {
  const auto at = text.find('@');
  return at != std::string_view::npos && at != 0 && at + 1 != text.size() && text.find_first_of(" \t,;<>") == std::string_view::npos;
}

// NUL separates: it occurs in none of them.
std::string key_of(std::string_view peer, const message& m, std::string_view recipient) {
  std::string key(peer);
  key += '\0';
  key += static_cast<char>('0' + static_cast<int>(type_of(m)));
  const auto& c = common_of(m);
  // Reports repeat the id of the message they are about; each report is known by its transaction.
  key += std::holds_alternative<forward_req>(m) ? c.message_id : c.message_id + '\0' + c.transaction_id;
  key += '\0';
  key += mime::lower(recipient);
  return key;
}

bool goes_in_circles(const forward_req& m, const peer_profile& p) {
  if (m.forward_counter.value_or(0) > p.forward_counter_max) return true;
  const auto own = '@' + mime::lower(p.domain);
  return std::ranges::any_of(m.previously_sent_by, [&own](const std::string& by) {
    const auto text = mime::lower(by);
    const auto at = text.find(own);
    const auto end = at == std::string::npos ? at : at + own.size();
    return at != std::string::npos && (end == text.size() || std::string_view{" >,;\t"}.find(text[end]) != std::string_view::npos);
  });
}

template <class Response>
Response respond(const message& request, std::string_view respond_to, request_status status, const peer_profile& p,
                 wall_time now, std::string_view status_text) {
  const auto& c = common_of(request);
  Response r;
  r.transaction_id = c.transaction_id;
  r.message_id = c.message_id;
  r.sender = p.system_address();
  r.from = address{.kind = address_kind::email, .value = p.system_address()};
  r.to = {address{.kind = address_kind::email, .value = std::string(respond_to)}};
  r.date = now;
  r.status = status;
  r.status_text = status_text;
  return r;
}

template <class Report>
Report report(const forward_req& m, const address& recipient, const peer_profile& p, std::string transaction_id, wall_time now) {
  Report r;
  r.transaction_id = std::move(transaction_id);
  r.message_id = m.message_id;
  r.from = recipient;
  if (m.from) r.to = {*m.from};
  r.sender = p.system_address();
  r.date = now;
  // The application that shall get the report is the one the forward named for replies.
  r.applic_id = m.reply_applic_id;
  r.aux_applic_info = m.aux_applic_info;
  return r;
}

}  // namespace

bool reception::is_new() const noexcept { return std::ranges::any_of(recipients, &received_recipient::is_new); }

exchange::exchange(exchange_options options) : options_(options) {}

result<void> exchange::open(const message& request, std::uint64_t cookie, time_point now) {
  const auto v = view(request);
  if (!v.is_request || !v.ack) return {};
  const auto& id = common_of(request).transaction_id;
  if (id.empty()) return errc::cannot_correlate;
  if (open_.contains(id)) return errc::transaction_open;
  if (open_.size() >= options_.window_size) return errc::window_full;
  const auto expected = static_cast<message_type>(static_cast<unsigned>(type_of(request)) + 1);
  const auto deadline = now + options_.response_timeout;
  open_.emplace(id, open_transaction{cookie, deadline, expected});
  deadlines_.emplace(deadline, id);
  return {};
}

void exchange::withdraw(std::string_view transaction_id) {
  const auto found = open_.find(transaction_id);
  if (found == open_.end()) return;
  const auto [first, last] = deadlines_.equal_range(found->second.deadline);
  const auto at = std::find_if(first, last, [&](const auto& d) { return d.second == transaction_id; });
  if (at != last) deadlines_.erase(at);
  open_.erase(found);
}

result<acknowledgement> exchange::close(const message& response) {
  const auto& id = common_of(response).transaction_id;
  const auto found = open_.find(id);
  if (found == open_.end() || found->second.expected != type_of(response)) return errc::transaction_unknown;
  acknowledgement a{.cookie = found->second.cookie, .transaction_id = id};
  std::visit(
      [&a](const auto& m) {
        if constexpr (requires { m.request_recipients; }) a.recipients = m.request_recipients;
        if constexpr (std::is_base_of_v<response_headers, std::decay_t<decltype(m)>>) {
          a.status = m.status;
          a.status_text = m.status_text;
        }
      },
      response);
  withdraw(id);
  return a;
}

std::optional<acknowledgement> exchange::next_timeout(time_point now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  auto id = deadlines_.begin()->second;
  const auto found = open_.find(id);
  acknowledgement a{.cookie = found->second.cookie, .transaction_id = std::move(id), .error = make_error_code(errc::response_timeout)};
  open_.erase(found);
  deadlines_.erase(deadlines_.begin());
  return a;
}

time_point exchange::next_deadline() const noexcept { return deadlines_.empty() ? never : deadlines_.begin()->first; }

void exchange::forget_old(time_point now) {
  while (!seen_.empty() && (seen_.front().until <= now || seen_.size() >= options_.seen_max)) {
    seen_by_key_.erase(seen_.front().key);
    seen_.pop_front();
  }
}

reception exchange::receive(std::string_view peer, const message& request, const std::vector<std::string>& recipients,
                            const peer_profile& p, time_point now) {
  reception r;
  const auto v = view(request);
  if (!v.is_request) return r;
  r.wants_response = v.ack;
  if (v.ack) r.respond_to = response_mailbox(request, p);
  if (v.ack && (r.respond_to.empty() || common_of(request).transaction_id.empty())) r.refused = errc::cannot_correlate;
  auto names = recipients;
  if (names.empty()) {
    for (const auto& a : common_of(request).to) names.push_back(to_string(a));
    if (const auto* f = std::get_if<forward_req>(&request))
      for (const auto& a : f->cc) names.push_back(to_string(a));
  }
  if (const auto* f = std::get_if<forward_req>(&request); f != nullptr && goes_in_circles(*f, p)) {
    r.refused = errc::loop_detected;
    for (auto& name : names) r.recipients.push_back({std::move(name), false, request_status::service_denied});
    return r;
  }
  for (auto& name : names) {
    const bool has_id = !common_of(request).message_id.empty();
    const auto seen = has_id ? find_seen(peer, request, name) : seen_.end();
    if (seen != seen_.end() && seen->until > now) {
      r.recipients.push_back({std::move(name), false, seen->answered});
      continue;
    }
    if (has_id) {
      if (seen != seen_.end()) {
        seen_by_key_.erase(seen->key);
        seen_.erase(seen);
      }
      forget_old(now);
      seen_.push_back({key_of(peer, request, name), now + options_.seen_lifetime, std::nullopt});
      seen_by_key_.emplace(seen_.back().key, std::prev(seen_.end()));
    }
    r.recipients.push_back({std::move(name)});
  }
  return r;
}

exchange::seen_list::iterator exchange::find_seen(std::string_view peer, const message& request, std::string_view recipient) {
  const auto found = seen_by_key_.find(key_of(peer, request, recipient));
  return found == seen_by_key_.end() ? seen_.end() : found->second;
}

void exchange::answered(std::string_view peer, const message& request, std::string_view recipient, request_status status) {
  const auto seen = find_seen(peer, request, recipient);
  if (seen != seen_.end()) seen->answered = status;
}

void exchange::forget(std::string_view peer, const message& request, std::string_view recipient) {
  const auto seen = find_seen(peer, request, recipient);
  if (seen == seen_.end()) return;
  seen_by_key_.erase(seen->key);
  seen_.erase(seen);
}

std::string response_mailbox(const message& request, const peer_profile& p) {
  for (const std::string_view candidate : {view(request).originator_system, std::string_view{common_of(request).sender},
                                           std::string_view{p.peer_system_address}}) {
    const auto mailbox = without_brackets(candidate);
    if (is_mailbox(mailbox)) return std::string(mailbox);
  }
  return {};
}

std::optional<message> make_response(const message& request, std::string_view respond_to, request_status status,
                                     const peer_profile& p, wall_time now, std::string_view status_text) {
  if (!view(request).ack || respond_to.empty() || common_of(request).transaction_id.empty()) return std::nullopt;
  switch (type_of(request)) {
    case message_type::forward_req: {
      auto r = respond<forward_res>(request, respond_to, status, p, now, status_text);
      const auto& f = std::get<forward_req>(request);
      r.applic_id = f.reply_applic_id;
      r.aux_applic_info = f.aux_applic_info;
      return r;
    }
    case message_type::delivery_report_req:
      return respond<delivery_report_res>(request, respond_to, status, p, now, status_text);
    case message_type::read_reply_report_req:
      return respond<read_reply_report_res>(request, respond_to, status, p, now, status_text);
    default: return std::nullopt;
  }
}

delivery_report_req make_delivery_report(const forward_req& m, const address& recipient, mm_status status,
                                         const peer_profile& p, std::string transaction_id, wall_time now) {
  auto r = report<delivery_report_req>(m, recipient, p, std::move(transaction_id), now);
  r.status = status;
  // A report that only the other system asked for stays there.
  r.forward_to_originator_ua = m.delivery_report.value_or(false);
  return r;
}

read_reply_report_req make_read_reply_report(const forward_req& m, const address& recipient, read_status status,
                                             const peer_profile& p, std::string transaction_id, wall_time now) {
  auto r = report<read_reply_report_req>(m, recipient, p, std::move(transaction_id), now);
  r.status = status;
  return r;
}

forward_req make_forwarded(forward_req m, const address& via, wall_time now) {
  const auto count = m.forward_counter.value_or(0) + 1;
  const auto index = std::to_string(m.previously_sent_by.size() + 1) + ", ";
  m.forward_counter = count;
  m.previously_sent_by.push_back(index + to_string(via));
  m.previously_sent_date_and_time.push_back(index + format_date(now));
  return m;
}

}  // namespace msgkit::mm4
