#include <algorithm>

#include "msgkit/goip/text.hpp"
#include "session_impl.hpp"

namespace msgkit::goip {
namespace {

constexpr std::uint32_t only_recipient = 1;  // telid: one SMS per session
constexpr std::size_t done_tries = 2;

bool has_outcome(sms_phase p) noexcept { return p == sms_phase::idle || p == sms_phase::closing; }
bool may_have_left(sms_phase p) noexcept { return p == sms_phase::sending || p == sms_phase::waiting; }

}  // namespace

result<void> session::send_sms(line_key key, std::string_view destination, std::string_view text, std::uint64_t cookie,
                               time_point now) {
  auto& s = *impl_;
  const auto line = s.usable(key, false);
  if (!line) return line.error();
  if (auto checked = check_destination(destination); !checked) return checked;
  if (auto checked = check_sms_text(text); !checked) return checked;
  auto& record = **line;
  auto& out = record.outgoing();
  const bool starts_now = out.queue.empty() && out.sms.phase == sms_phase::idle && out.ready_at <= now &&
                          record.status.state == line_state::online;
  if (!starts_now && out.queue.size() >= record.options.queue_max) return errc::queue_full;
  out.queue.push_back({std::string(destination), std::string(text), cookie, now});
  s.start_next_sms(record, now);
  s.rearm(record);
  return {};
}

std::size_t session::pending_sms(line_key key) const noexcept {
  const auto* line = impl_->find(key);
  if (line == nullptr || !line->out) return 0;
  return line->out->queue.size() + (has_outcome(line->out->sms.phase) ? 0 : 1);
}

bool session::cancel_sms(line_key key, std::uint64_t cookie) {
  auto* line = impl_->find(key);
  if (line == nullptr || !line->out) return false;
  auto& queue = line->out->queue;
  const auto found = std::ranges::find(queue, cookie, &queued_sms::cookie);
  if (found == queue.end()) return false;
  const auto m = std::move(*found);
  queue.erase(found);
  impl_->give_back(*line, m, sms_outcome::failed, errc::canceled);
  impl_->rearm(*line);
  return true;
}

void session::impl::start_next_sms(line_record& line, time_point now) {
  if (!line.out || line.out->queue.empty() || line.out->sms.phase != sms_phase::idle) return;
  if (line.out->ready_at > now || line.status.state != line_state::online || !line.options.enabled) return;
  line.out->sms = {.message = std::move(line.out->queue.front()), .mode = line.options.mode};
  line.out->queue.pop_front();
  ++active_sms;
  open_sms(line, now);
}

void session::impl::open_sms(line_record& line, time_point now) {
  auto& c = line.out->sms;
  c.send_id = open(line, conversation_kind::sms);
  enter(line, c.mode == send_mode::bulk ? sms_phase::opening : sms_phase::sending, now);
}

// The datagram of the current phase, for the first time or again: always the same numbers.
void session::impl::put_step(line_record& line) {
  const auto& c = line.out->sms;
  const auto& m = c.message;
  switch (c.phase) {
    case sms_phase::idle: break;
    case sms_phase::opening: send_words(line, open_session{c.send_id, m.text}); break;
    case sms_phase::password: send_words(line, session_password{c.send_id, line.options.password}); break;
    case sms_phase::sending:
    case sms_phase::waiting:
      if (c.mode == send_mode::bulk) send_words(line, send_recipient{c.send_id, only_recipient, m.destination});
      else send_words(line, single_sms{c.send_id, only_recipient, line.options.password, m.destination, m.text});
      break;
    case sms_phase::closing: send_words(line, session_done{c.send_id}); break;
  }
}

void session::impl::enter(line_record& line, sms_phase phase, time_point now) {
  auto& c = line.out->sms;
  c.phase = phase;
  c.tries = 1;
  if (phase == sms_phase::waiting) {
    c.next_try = c.mode == send_mode::bulk && c.repeats < options.send_repeats_max ? now + options.poll_interval : never;
    return;  // nothing is said in return
  }
  if (phase == sms_phase::sending) {
    c.give_up = now + options.send_timeout;
    const bool may_repeat = c.mode == send_mode::bulk && options.send_repeats_max > 0;
    c.next_try = may_repeat ? now + options.send_repeat_after : never;
  } else if (phase == sms_phase::closing) {
    c.next_try = now + options.done_timeout;
  } else {
    c.next_try = now + options.step_timeout;
  }
  put_step(line);
}

void session::impl::reply_to_sms(line_record& line, const device_message& m, time_point now) {
  const auto phase = line.out->sms.phase;
  if (std::holds_alternative<password_request>(m)) {
    if (phase == sms_phase::opening) enter(line, sms_phase::password, now);
  } else if (std::holds_alternative<send_request>(m)) {
    if (phase == sms_phase::opening || phase == sms_phase::password) enter(line, sms_phase::sending, now);
  } else if (const auto* wait = std::get_if<send_wait>(&m)) {
    if (may_have_left(phase) && wait->recipient == only_recipient) enter(line, sms_phase::waiting, now);
    else ++counters.unmatched_replies;
  } else if (const auto* ok = std::get_if<send_ok>(&m)) {
    if (may_have_left(phase) && ok->recipient == only_recipient)
      finish_sms(line, {.outcome = sms_outcome::sent, .sms_no = ok->sms_no}, now);
    else if (phase != sms_phase::closing) ++counters.unmatched_replies;
  } else if (const auto* error = std::get_if<error_reply>(&m)) {
    if (!has_outcome(phase)) take_error(line, *error, now);
  } else if (std::holds_alternative<session_done>(m)) {
    if (phase == sms_phase::closing) end_session(line, now);
    else ++counters.unmatched_replies;
  } else {
    ++counters.unmatched_replies;
  }
}

void session::impl::take_error(line_record& line, const error_reply& m, time_point now) {
  auto& c = line.out->sms;
  const auto words = split_error(m.message);
  const bool may_be_out = may_have_left(c.phase);
  using enum failure_class;
  switch (words.subject) {
    case error_subject::logged_out:
      line.out->ready_at = now + options.rest_after_logout;
      return fail_sms(line, errc::refused, temporary, m.message, now);
    case error_subject::password: return fail_sms(line, errc::refused, permanent, m.message, now);
    case error_subject::session:
      // The device has forgotten the session. It cannot have sent anything if it was told to only once and never said
      // that it would.
      if (c.phase == sms_phase::waiting || c.repeats > 0) break;
      if (c.restarted) return fail_sms(line, errc::refused, temporary, m.message, now);
      close(c.send_id);
      c.restarted = true;
      return open_sms(line, now);
    case error_subject::recipient:
      if (may_be_out && words.recipient != only_recipient) {
        ++counters.unmatched_replies;
        return;
      }
      return finish_sms(line,
                        {.outcome = sms_outcome::failed,
                         .status = words.status,
                         .kind = words.status ? classify_sms_status(*words.status) : temporary,
                         .reason = make_error_code(errc::refused),
                         .words = std::string(m.message)},
                        now);
    case error_subject::other:
      if (may_be_out) break;
      return fail_sms(line, errc::refused, temporary, m.message, now);
  }
  finish_sms(line,
             {.outcome = sms_outcome::unknown,
              .reason = make_error_code(errc::outcome_unknown),
              .words = std::string(m.message)},
             now);
}

void session::impl::fail_sms(line_record& line, errc reason, failure_class kind, std::string_view words,
                             time_point now) {
  finish_sms(line,
             {.outcome = sms_outcome::failed,
              .kind = kind,
              .reason = make_error_code(reason),
              .words = std::string(words)},
             now);
}

void session::impl::finish_sms(line_record& line, sms_done done, time_point now) {
  auto& out = *line.out;
  auto& c = out.sms;
  done.line = line.key;
  done.cookie = c.message.cookie;
  const bool is_silent = done.reason == errc::no_answer;
  if (done.sms_no) {
    out.sent.push_back({*done.sms_no, done.cookie, now});
    if (out.sent.size() > options.reports_max) out.sent.pop_front();
  }
  --active_sms;
  out.ready_at = std::max(out.ready_at, now + line.options.pacing);
  report_sms(std::move(done));
  if (c.mode == send_mode::bulk && !is_silent) enter(line, sms_phase::closing, now);
  else end_session(line, now);
  release_held_reports(line, now);
}

void session::impl::report_sms(sms_done done) {
  switch (done.outcome) {
    case sms_outcome::sent: ++counters.sms_sent; break;
    case sms_outcome::failed: ++counters.sms_failed; break;
    case sms_outcome::unknown: ++counters.sms_unknown; break;
    case sms_outcome::expired: ++counters.sms_expired; break;
  }
  emit(std::move(done));
}

void session::impl::end_session(line_record& line, time_point now) {
  auto& c = line.out->sms;
  close(c.send_id);
  c = {};
  start_next_sms(line, now);
}

void session::impl::give_back(line_record& line, const queued_sms& m, sms_outcome outcome, errc reason) {
  report_sms({.line = line.key, .cookie = m.cookie, .outcome = outcome, .reason = make_error_code(reason)});
}

time_point session::impl::sms_deadline(const line_record& line) const noexcept {
  const auto& out = *line.out;
  const auto& c = out.sms;
  time_point at = c.phase == sms_phase::idle ? never : c.next_try;
  if (may_have_left(c.phase)) at = std::min(at, c.give_up);
  if (out.queue.empty()) return at;
  at = std::min(at, out.queue.front().queued_at + line.options.queue_timeout);
  const bool may_start = c.phase == sms_phase::idle && line.status.state == line_state::online && line.options.enabled;
  return may_start ? std::min(at, out.ready_at) : at;
}

void session::impl::sms_on_time(line_record& line, time_point now) {
  auto& out = *line.out;
  auto& c = out.sms;
  if (may_have_left(c.phase) && now >= c.give_up) {
    finish_sms(line, {.outcome = sms_outcome::unknown, .reason = make_error_code(errc::outcome_unknown)}, now);
  } else if (c.phase != sms_phase::idle && now >= c.next_try) {
    if (may_have_left(c.phase)) {
      ++c.repeats;
      c.next_try = c.repeats < options.send_repeats_max ? now + options.poll_interval : never;
      put_step(line);
    } else if (c.phase == sms_phase::closing) {
      if (c.tries >= done_tries) {
        end_session(line, now);
      } else {
        ++c.tries;
        c.next_try = now + options.done_timeout;
        put_step(line);
      }
    } else if (c.tries >= options.step_tries) {
      fail_sms(line, errc::no_answer, failure_class::temporary, {}, now);
    } else {
      c.next_try = now + options.step_timeout * (1u << std::min<std::size_t>(c.tries, 10));
      ++c.tries;
      put_step(line);
    }
  }
  while (!out.queue.empty() && now >= out.queue.front().queued_at + line.options.queue_timeout) {
    const auto m = std::move(out.queue.front());
    out.queue.pop_front();
    give_back(line, m, sms_outcome::expired, errc::expired);
  }
  start_next_sms(line, now);
}

void session::impl::abort_sms(line_record& line, time_point now) {
  const auto phase = line.out->sms.phase;
  if (may_have_left(phase))
    finish_sms(line, {.outcome = sms_outcome::unknown, .reason = make_error_code(errc::outcome_unknown)}, now);
  else if (!has_outcome(phase)) fail_sms(line, errc::canceled, failure_class::temporary, {}, now);
}

}  // namespace msgkit::goip
