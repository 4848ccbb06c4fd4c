#include <algorithm>
#include <cassert>
#include <charconv>

#include "msgkit/core/secure.hpp"
#include "session_impl.hpp"

namespace msgkit::goip {
namespace {

// FNV-1a: the same in every process, because the application may keep it.
class fingerprint {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) add(c);
    add('\0');
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  void add(char c) noexcept { value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u; }
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

bool is_credential(std::string_view name) noexcept { return name == "id" || name == "password" || name == "pass"; }

template <class T>
std::uint64_t fingerprint_of(const T& m) noexcept {
  fingerprint f;
  for (const auto& each : m.others) {
    if (is_credential(each.name)) continue;
    f.add(each.name);
    f.add(each.value);
  }
  if constexpr (has_rest<T>) f.add(m.text);
  return f.value();
}

template <class T>
std::string_view verb_of(const T& m) noexcept {
  if constexpr (std::same_as<T, other_notification>) return m.verb_text;
  else return T::verb;
}

// The one value of a notification that has one.
struct first_value {
  std::string out;
  void text(std::string_view, std::string_view value, std::size_t, bool = false) {
    if (out.empty()) out = value;
  }
  void integer(std::string_view, const std::optional<std::int64_t>& value, std::int64_t, std::int64_t, bool = false) {
    if (out.empty() && value) out = std::to_string(*value);
  }
};

std::string value_of(const other_notification& m) {
  std::string out;
  for (const auto& each : m.others) {
    if (is_credential(each.name)) continue;
    out.append(each.name).append(":").append(each.value).append(";");
  }
  if (!m.text.empty()) out.append("msg:").append(m.text);
  return out;
}
template <class T>
std::string value_of(const T& m) {
  first_value v;
  T::fields(v, m);
  return std::move(v.out);
}

struct event_context {
  line_key line;
  ack_token token;
  notification_identity identity;
};

// What the application gets; nothing when the notification does not say what it should.
std::optional<event> make_event(event_context c, const receive_sms& m) {
  return sms_received{c.line, c.token, std::move(c.identity), std::string(m.source), std::string(m.smsc),
                      std::string(m.text)};
}
std::optional<event> make_event(event_context c, const delivery_report& m) {
  if (!m.sms_no || !m.state) return std::nullopt;
  return report_received{c.line,
                         c.token,
                         std::move(c.identity),
                         *m.sms_no,
                         *m.state,
                         classify_delivery(*m.state),
                         std::string(m.destination),
                         {}};
}
std::optional<event> make_event(event_context c, const ussd_notification& m) {
  return ussd_received{c.line, c.token, std::move(c.identity), std::string(m.text)};
}
std::optional<event> make_event(event_context c, const call_record& m) {
  std::optional<bool> inbound;
  if (m.direction) inbound = *m.direction == 1;
  return call_event{c.line, c.token, std::move(c.identity), call_phase::started, inbound, std::string(m.remote), {}, {}};
}
std::optional<event> make_event(event_context c, const call_hangup& m) {
  return call_event{c.line,
                    c.token,
                    std::move(c.identity),
                    call_phase::ended,
                    {},
                    std::string(m.remote),
                    std::string(m.cause),
                    {}};
}
std::optional<event> make_event(event_context c, const call_expiry& m) {
  return call_event{c.line, c.token, std::move(c.identity), call_phase::measured, {}, {}, {}, m.length};
}
template <class T>
std::optional<event> make_event(event_context c, const T& m) {
  return notification_received{c.line, std::string(verb_of(m)), value_of(m)};
}

template <class T>
void assign(T& to, const T& from, bool& changed) {
  if (to == from) return;
  to = from;
  changed = true;
}
void assign(std::string& to, std::string_view from, bool& changed) {
  if (to == from) return;
  to.assign(from);
  changed = true;
}

// Whether anything that matters is different. The idle minutes and the count change with every keepalive.
bool update_status(line_status& s, const keepalive& m) {
  bool changed = false;
  const auto signal = m.signal && *m.signal >= 0 && *m.signal <= 31 ? m.signal : std::nullopt;
  if (!m.msisdn.empty()) assign(s.msisdn, m.msisdn, changed);
  assign(s.signal, signal, changed);
  assign(s.gsm_status, m.gsm_status, changed);
  assign(s.voip_status, m.voip_status, changed);
  assign(s.voip_state, m.voip_state, changed);
  assign(s.remain_time, m.remain_time, changed);
  assign(s.imei, m.imei, changed);
  assign(s.imsi, m.imsi, changed);
  assign(s.iccid, m.iccid, changed);
  assign(s.provider, m.provider, changed);
  assign(s.module_disabled, m.module_disabled, changed);
  assign(s.sms_login, m.sms_login, changed);
  assign(s.gprs_attached, m.gprs_attached, changed);
  assign(s.cell_info, m.cell_info, changed);
  s.idle = m.idle;
  return changed;
}

line_state state_of(const keepalive& m) noexcept {
  if (m.module_disabled.value_or(false)) return line_state::module_disabled;
  return m.gsm_status == "LOGOUT" ? line_state::no_gsm : line_state::online;
}

std::int64_t to_integer(std::string_view digits) noexcept {
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);  // the parser has seen that it fits
  return value;
}

}  // namespace

void session::impl::feed(const endpoint& from, bytes_view octets, time_point now, bool truncated) {
  ++counters.datagrams_received;
  if (truncated || octets.size() > datagram_bytes_max) {
    ++counters.oversize;
    return;
  }
  diagnostics notes;
  const auto parsed = parse_from_device(octets, &notes);
  if (!parsed) {
    ++counters.malformed;
    return;
  }
  counters.anomalies += notes.count();
  std::visit(
      [&](const auto& m) {
        using T = std::decay_t<decltype(m)>;
        if constexpr (std::same_as<T, keepalive>) {
          take_keepalive(m, from, now, octets.size());
        } else if constexpr (std::same_as<T, gsm_info>) {
          const auto send_id = to_send_id(m.number);
          if (send_id) take_reply(*parsed, *send_id, from, now);
          else ++counters.unmatched_replies;
        } else if constexpr (std::derived_from<T, notification>) {
          take_notification(m, from, now);
        } else {
          take_reply(*parsed, m.send_id, from, now);
        }
      },
      *parsed);
}

session::impl::judgement session::impl::authenticate(const notification& m, const endpoint& from, time_point now) {
  static constexpr std::string_view nobodys_password = "................";
  const auto found = lines.find(m.id);
  auto* line = found == lines.end() ? nullptr : found->second.get();
  const bool is_own_endpoint = line != nullptr && line->status.endpoint == from;
  if (!is_own_endpoint && failures.is_exhausted(from, now)) {
    ++counters.rate_limited;
    return {};
  }
  const bool is_right =
      constant_time_equal(m.password, line == nullptr ? nobodys_password : std::string_view(line->options.password));
  auth_failure why{};
  if (line == nullptr) why = auth_failure::unknown_line, ++counters.unknown_line;
  else if (!is_right) why = auth_failure::wrong_password, ++counters.wrong_password;
  else if (!line->options.enabled) why = auth_failure::disabled, ++counters.disabled_line;
  else if (line->options.source_allowed && !line->options.source_allowed(from))
    why = auth_failure::source_refused, ++counters.source_refused;
  else return {line, true};
  const bool is_within_rate = failures.count_failure(from, now);
  if (is_within_rate && has_room_for_event()) emit(authentication_failed{why, std::string(m.id), from});
  const bool is_told = options.answer_failures == failure_reply::everybody ||
                       (options.answer_failures == failure_reply::known_lines && line != nullptr);
  return {nullptr, is_within_rate && is_told};
}

void session::impl::answer_keepalive(const endpoint& to, std::string_view count, std::int64_t status,
                                     std::size_t size_max) {
  registration_reply reply;
  reply.number = count;
  reply.status = status;
  put(to, [&](byte_vector& out) {
    const auto begin = out.size();
    if (!encode_fields(registration_reply::verb, reply, out)) return false;
    if (out.size() - begin <= size_max) return true;
    out.resize(begin);
    return false;
  });
}

void session::impl::take_keepalive(const keepalive& m, const endpoint& from, time_point now, std::size_t request_size) {
  const auto judged = authenticate(m, from, now);
  if (judged.line != nullptr) {
    ++counters.keepalives;
    register_line(*judged.line, m, from, now);
    answer_keepalive(from, m.number, options.registered_status, datagram_bytes_max);
  } else if (judged.may_answer) {
    answer_keepalive(from, m.number, options.failure_status, request_size);
  }
}

// A recorded keepalive can be played back by anybody, and must not pull the line's traffic away. What moves behind NAT
// counts on from where it was; what moves elsewhere is believed once the old place has fallen silent.
bool session::impl::accepts_endpoint(const line_record& line, const endpoint& from, std::int64_t count,
                                     time_point now) const noexcept {
  constexpr std::int64_t missed_max = 20;
  const auto& s = line.status;
  if (s.endpoint == from || !s.endpoint.is_set() || s.state == line_state::dead) return true;
  if (now - s.last_keepalive >= options.endpoint_hold) return true;
  const bool counts_on = count > s.keepalive_count && count - s.keepalive_count <= missed_max;
  return s.endpoint.address == from.address && s.endpoint.socket == from.socket && counts_on;
}

void session::impl::register_line(line_record& line, const keepalive& m, const endpoint& from, time_point now) {
  auto& s = line.status;
  const auto count = to_integer(m.number);
  if (!accepts_endpoint(line, from, count, now)) {
    ++counters.endpoint_holds;
    if (line.held_endpoint != from && has_room_for_event()) {
      line.held_endpoint = from;
      emit(endpoint_held{line.key, from});
    }
    return;
  }
  const bool moved = s.endpoint.is_set() && s.endpoint != from;
  if (moved) ++counters.endpoint_moves;
  line.held_endpoint = {};
  s.endpoint = from;
  s.last_keepalive = now;
  s.keepalive_count = count;
  const bool changed = update_status(s, m);
  set_state(line, state_of(m), moved, changed);
  start_next_sms(line, now);
  heap.set_at_latest(line, deadline_of(line));
}

void session::impl::set_state(line_record& line, line_state state, bool moved, bool changed) {
  const auto before = std::exchange(line.status.state, state);
  if ((changed || moved || before != state) && has_room_for_event())
    emit(line_changed{line.key, before, state, moved});
}

template <class T>
void session::impl::take_notification(const T& m, const endpoint& from, time_point now) {
  constexpr auto rule = T::answer;
  auto* line = authenticate(m, from, now).line;
  if (line == nullptr) return;
  ++counters.notifications;
  if constexpr (std::same_as<T, other_notification>) ++counters.unknown_verbs;
  const auto verb = verb_of(m);
  if constexpr (rule == answer_rule::none) {
    if (has_room_for_event()) emit(*make_event({line->key, {}, {}}, m));
    return;
  }
  const auto print = fingerprint_of(m);
  if (auto* known = line->inbound.find(verb, m.number, print)) {
    ++counters.duplicates;
    known->from = from;
    if (!known->open) answer(from, known->head, known->answer);
    return;
  }
  const bool waits_for_caller = rule == answer_rule::by_caller;
  if (!has_room_for_event() || (waits_for_caller && line->inbound.open_count() >= options.open_tokens_max)) {
    ++counters.deferred;
    return;
  }
  inbound_entry fresh{.fingerprint = print, .serial = last_serial + 1, .at = now, .from = from};
  fresh.head.append(verb).append(" ").append(m.number);
  auto* entry = line->inbound.add(std::move(fresh), std::max<std::size_t>(1, options.dedupe_max), options.dedupe_window);
  if (entry == nullptr) {
    ++counters.deferred;
    return;
  }
  ++last_serial;
  event_context context{line->key, {line->key, last_serial}, {std::string(verb), std::string(m.number), print}};
  auto made = make_event(std::move(context), m);
  if (!waits_for_caller || !made) {
    entry->open = false;
    entry->answer = "OK";
    answer(from, entry->head, entry->answer);
  }
  if constexpr (std::same_as<T, call_state>) line->status.call_state.assign(m.state);
  if (!made) return;
  if constexpr (std::same_as<T, delivery_report>) take_report(*line, std::get<report_received>(*std::move(made)), now);
  else emit(*std::move(made));
}

// Newest first: the numbers wrap.
void session::impl::find_sms_of(const line_record& line, report_received& report, time_point now) const {
  if (!line.out) return;
  const auto& sent = line.out->sent;
  const auto found = std::find_if(sent.rbegin(), sent.rend(), [&](const sent_sms& each) {
    return each.sms_no == report.sms_no && now - each.at <= options.report_window;
  });
  if (found != sent.rend()) report.cookie = found->cookie;
}

// A report may overtake the OK that it belongs to.
bool session::impl::may_belong_to_open_sms(const line_record& line, const report_received& report) noexcept {
  if (report.cookie || !line.out) return false;
  return line.out->sms.phase == sms_phase::sending || line.out->sms.phase == sms_phase::waiting;
}

void session::impl::take_report(line_record& line, report_received report, time_point now) {
  find_sms_of(line, report, now);
  if (!may_belong_to_open_sms(line, report)) return emit(std::move(report));
  line.held_reports.push_back({std::move(report), now + options.early_report_wait});
  rearm(line);
}

void session::impl::release_held_reports(line_record& line, time_point now) {
  for (auto& each : std::exchange(line.held_reports, {})) {
    find_sms_of(line, each.report, now);
    if (each.until > now && may_belong_to_open_sms(line, each.report)) line.held_reports.push_back(std::move(each));
    else emit(std::move(each.report));
  }
}

void session::impl::take_reply(const device_message& m, std::uint32_t send_id, const endpoint& from, time_point now) {
  const auto found = conversations.find(send_id);
  if (found == conversations.end() || found->second.line->status.endpoint != from) {
    ++counters.unmatched_replies;
    return;
  }
  auto& line = *found->second.line;
  switch (found->second.kind) {
    case conversation_kind::sms: reply_to_sms(line, m, now); break;
    case conversation_kind::ussd: reply_to_ussd(line, m, now); break;
    case conversation_kind::command: reply_to_command(line, m, send_id); break;
  }
  rearm(line);
}

}  // namespace msgkit::goip
