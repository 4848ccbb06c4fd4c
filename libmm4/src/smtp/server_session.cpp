#include "msgkit/mm4/smtp/server_session.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"

namespace msgkit::mm4::smtp {
namespace {

constexpr std::size_t auth_line_max = 12'288;  // RFC 4954 section 4
constexpr std::string_view login_user_prompt = "VXNlcm5hbWU6", login_password_prompt = "UGFzc3dvcmQ6";

// Verbs of HTTP: whoever sends them has been fooled into it (cross-protocol requests).
bool is_http(std::string_view line) noexcept {
  for (const std::string_view v : {"GET ", "POST ", "PUT ", "HEAD ", "CONNECT ", "OPTIONS ", "Host:"})
    if (mime::starts_ignoring_case(line, v)) return true;
  return false;
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

server_session::server_session(const server_session_options& options, time_point now)
    : options_(options), tls_(options.is_tls), now_(now), command_deadline_(now + options.command_timeout) {
  say(220, {}, options_.host_name + ' ' + options_.greeting);
}

void server_session::say(int code, std::string_view enhanced, std::string_view text) {
  append_reply(output_, make_reply(code, extended_ ? enhanced : std::string_view{}, text));
}

void server_session::refuse(int code, std::string_view enhanced, std::string_view text) {
  say(code, enhanced, text);
  count_error();
}

void server_session::count_error() {
  if (++errors_ < options_.errors_max || closed_) return;
  say(421, "4.7.0", "too many errors");
  finish(make_error_code(errc::too_many_errors));
}

void server_session::finish(std::error_code reason) {
  if (std::exchange(closed_, true)) return;
  close_reason_ = reason;
}

void server_session::shut_down(std::string_view text) {
  if (closed_) return;
  say(421, "4.3.2", text);
  finish(make_error_code(errc::session_closed));
}

void server_session::disconnected(std::error_code reason) { finish(reason ? reason : make_error_code(errc::session_closed)); }

void server_session::reset_transaction() noexcept {
  if (phase_ != phase::start) phase_ = phase::ready;
  recipients_ = 0;
  message_bytes_ = 0;
  in_message_ = false;
  data_deadline_ = message_deadline_ = never;
}

void server_session::touch(time_point now) {
  now_ = now;
  command_deadline_ = now + options_.command_timeout;
}

void server_session::feed(bytes_view octets, time_point now) {
  now_ = now;
  if (closed_) return;
  if (data_deadline_ != never) data_deadline_ = now + options_.data_timeout;
  if (at_ != 0) {
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
  }
  // Content is handed out as it comes; only what waits behind an answer can pile up.
  if (awaits_answer() && input_.size() + octets.size() > options_.input_bytes_max) {
    say(421, "4.7.0", "too much input ahead of replies");
    return finish(make_error_code(errc::too_many_errors));
  }
  append(input_, octets);
}

time_point server_session::next_deadline() const noexcept {
  if (closed_ || awaits_answer()) return never;
  return data_deadline_ != never ? std::min(data_deadline_, message_deadline_) : command_deadline_;
}

void server_session::on_time(time_point now) {
  now_ = now;
  if (now < next_deadline()) return;
  say(421, "4.4.2", "timeout");
  finish(make_error_code(errc::command_timeout));
}

std::optional<server_event> server_session::next_event() {
  if (next_run_ < runs_.size()) return server_event{.kind = server_event_kind::data, .octets = runs_[next_run_++]};
  runs_.clear();
  next_run_ = 0;
  while (!closed_ && !awaits_answer()) {
    const auto before = at_;
    const auto old_phase = phase_;
    std::optional<server_event> e;
    if (phase_ == phase::data) e = read_data();
    else if (phase_ == phase::chunk) e = read_chunk();
    else if (phase_ == phase::message_end) e = end_message(false);
    else e = read_line();
    if (e) return e;
    if (at_ == before && phase_ == old_phase && !closed_) break;
  }
  if (!closed_) return std::nullopt;
  if (!abort_told_) {
    abort_told_ = true;
    return server_event{.kind = server_event_kind::data_aborted, .reason = close_reason_};
  }
  if (std::exchange(closed_told_, true)) return std::nullopt;
  return server_event{.kind = server_event_kind::closed, .reason = close_reason_};
}

std::optional<server_event> server_session::read_line() {
  const auto octets = rest();
  const auto text = as_text(octets);
  const bool in_auth = phase_ == phase::plain || phase_ == phase::login_user || phase_ == phase::login_password;
  const auto limit = in_auth || mime::starts_ignoring_case(text, "AUTH ") ? auth_line_max : options_.command_line_max;
  const auto newline = text.find('\n');
  if (newline == std::string_view::npos) {
    if (text.size() <= limit && !skipping_line_) return std::nullopt;
    skipping_line_ = true;
    at_ = input_.size();
    return std::nullopt;
  }
  at_ += newline + 1;
  if (std::exchange(skipping_line_, false) || newline > limit) {
    refuse(500, "5.5.6", "line too long");
    touch(now_);
    return std::nullopt;
  }
  const auto line = text.substr(0, newline);
  if (!line.ends_with('\r') || line.find('\r') + 1 != line.size()) {
    refuse(500, "5.5.2", "lines end in CRLF");
    return std::nullopt;
  }
  touch(now_);
  return handle(line.substr(0, line.size() - 1));
}

std::optional<server_event> server_session::handle(std::string_view line) {
  if (phase_ == phase::plain || phase_ == phase::login_user || phase_ == phase::login_password) return handle_auth_line(line);
  if (phase_ == phase::start && (is_http(line) || (!line.empty() && static_cast<unsigned char>(line[0]) < 32))) {
    say(421, "4.7.0", "this is SMTP");
    finish(make_error_code(errc::too_many_errors));
    return std::nullopt;
  }
  if (!mime::is_safe_value(line)) {
    refuse(500, "5.5.2", "control characters in a command");
    return std::nullopt;
  }
  const auto c = parse_command(line);
  switch (c.verb) {
    case verb::helo: greet(c.argument, false); return std::nullopt;
    case verb::ehlo: greet(c.argument, true); return std::nullopt;
    case verb::mail: return handle_mail(c.argument);
    case verb::rcpt: return handle_recipient(c.argument);
    case verb::data: return handle_data();
    case verb::bdat: return handle_bdat(c.argument);
    case verb::starttls: return handle_starttls();
    case verb::auth: return handle_auth(c.argument);
    case verb::rset: {
      const bool aborts = in_message_;
      reset_transaction();
      say(250, "2.0.0", "reset");
      if (!aborts) return std::nullopt;
      abort_told_ = true;
      return server_event{.kind = server_event_kind::data_aborted};
    }
    case verb::noop: say(250, "2.0.0", "ok"); return std::nullopt;
    case verb::quit:
      say(221, "2.0.0", "bye");
      finish({});
      return std::nullopt;
    case verb::vrfy: say(252, "2.1.5", "send and see"); return std::nullopt;
    case verb::help: say(214, "2.0.0", "RFC 5321"); return std::nullopt;
    case verb::expn:
    case verb::unknown: refuse(502, "5.5.1", "command not implemented"); return std::nullopt;
  }
  return std::nullopt;
}

void server_session::greet(std::string_view name, bool extended) {
  if (name.empty()) return refuse(501, "5.5.4", "a name is missing");
  hello_ = name;
  phase_ = phase::ready;
  reset_transaction();
  extended_ = extended;
  if (!extended) return say(250, {}, options_.host_name);
  reply r{.code = 250, .lines = {options_.host_name, "PIPELINING", "SIZE " + std::to_string(options_.message_bytes_max),
                                 "8BITMIME", "ENHANCEDSTATUSCODES"}};
  if (options_.offer_chunking) r.lines.emplace_back("CHUNKING");
  if (options_.offer_tls && !tls_) r.lines.emplace_back("STARTTLS");
  if (options_.offer_auth && (tls_ || options_.auth_without_tls)) r.lines.emplace_back("AUTH PLAIN LOGIN");
  append_reply(output_, r);
}

std::optional<server_event> server_session::handle_mail(std::string_view argument) {
  const auto no = [this](int code, std::string_view enhanced, std::string_view text) {
    refuse(code, enhanced, text);
    return std::nullopt;
  };
  if (phase_ == phase::start) return no(503, "5.5.1", "EHLO first");
  if (phase_ != phase::ready) return no(503, "5.5.1", "a message is under way");
  if (options_.require_tls && !tls_) return no(530, "5.7.0", "STARTTLS first");
  if (options_.require_auth && user_.empty()) return no(530, "5.7.0", "authentication required");
  const auto path = parse_path(argument, "FROM");
  if (!path) return no(501, "5.1.7", "not a sender");
  for (const auto& p : path->parameters) {
    const auto size = mime::equal_ignoring_case(p.name, "SIZE") ? number(p.value) : std::optional<std::uint64_t>{0};
    if (!size) return no(501, "5.5.4", "SIZE is no number");
    if (*size > options_.message_bytes_max) return no(552, "5.3.4", "larger than " + std::to_string(options_.message_bytes_max));
    const bool known = mime::equal_ignoring_case(p.name, "SIZE") || mime::equal_ignoring_case(p.name, "BODY") ||
                       mime::equal_ignoring_case(p.name, "AUTH");
    const bool binary = mime::equal_ignoring_case(p.name, "BODY") && mime::equal_ignoring_case(p.value, "BINARYMIME");
    if (!known || binary) return no(555, "5.5.4", "unknown parameter");
  }
  line_ = path->mailbox;
  awaited_ = awaited::mail;
  return server_event{.kind = server_event_kind::mail, .text = line_};
}

std::optional<server_event> server_session::handle_recipient(std::string_view argument) {
  if (phase_ != phase::mail && phase_ != phase::recipients) {
    refuse(503, "5.5.1", "MAIL first");
    return std::nullopt;
  }
  const auto path = parse_path(argument, "TO");
  if (!path || path->mailbox.empty()) {
    refuse(path ? 553 : 501, "5.1.3", "not a recipient");
    return std::nullopt;
  }
  if (!path->parameters.empty()) {
    refuse(555, "5.5.4", "unknown parameter");
    return std::nullopt;
  }
  if (recipients_ >= options_.recipients_max) {
    refuse(452, "4.5.3", "too many recipients");
    return std::nullopt;
  }
  line_ = path->mailbox;
  awaited_ = awaited::recipient;
  return server_event{.kind = server_event_kind::recipient, .text = line_};
}

std::optional<server_event> server_session::handle_data() {
  if (phase_ != phase::recipients) {
    refuse(phase_ == phase::mail ? 554 : 503, "5.5.1", "no recipients");
    return std::nullopt;
  }
  if (in_message_) {
    refuse(503, "5.5.1", "BDAT is under way");
    return std::nullopt;
  }
  // Whoever writes behind DATA has not waited for 354: half of an attempt to smuggle a second message.
  if (!rest().empty()) {
    say(503, "5.5.0", "data before 354");
    finish(make_error_code(errc::too_many_errors));
    return std::nullopt;
  }
  say(354, {}, "end with CRLF.CRLF");
  phase_ = phase::data;
  decoder_ = {};
  in_message_ = true;
  abort_told_ = false;
  data_deadline_ = now_ + options_.data_timeout;
  message_deadline_ = now_ + options_.message_timeout;
  return server_event{.kind = server_event_kind::data_begin};
}

std::optional<server_event> server_session::read_data() {
  if (rest().empty()) return std::nullopt;
  const auto used = decoder_.feed(rest(), [this](bytes_view run) {
    message_bytes_ += run.size();
    if (message_bytes_ <= options_.message_bytes_max && !decoder_.has_bare_newline()) runs_.push_back(run);
  });
  at_ += used;
  if (decoder_.is_finished()) {
    phase_ = phase::message_end;
    data_deadline_ = message_deadline_ = never;
    touch(now_);
  } else if (message_bytes_ / 2 > options_.message_bytes_max) {  // far beyond what was announced: no use in listening on
    say(552, "5.3.4", "message too large");
    finish(make_error_code(errc::size_exceeded));
  }
  if (!runs_.empty()) {
    next_run_ = 1;
    return server_event{.kind = server_event_kind::data, .octets = runs_.front()};
  }
  return std::nullopt;
}

// Comes when the content has been handed out, because events leave in order.
std::optional<server_event> server_session::end_message(bool refused) {
  phase_ = phase::ready;
  if (!refused && message_bytes_ <= options_.message_bytes_max && !decoder_.has_bare_newline()) {
    awaited_ = awaited::message;
    abort_told_ = false;
    return server_event{.kind = server_event_kind::data_end};
  }
  if (decoder_.has_bare_newline()) say(554, "5.6.0", "bare CR or LF in the message");
  else say(552, "5.3.4", "message too large");
  const bool told = std::exchange(abort_told_, true);
  reset_transaction();
  count_error();
  if (told) return std::nullopt;
  return server_event{.kind = server_event_kind::data_aborted};
}

std::optional<server_event> server_session::handle_bdat(std::string_view argument) {
  const auto blank = std::min(argument.find(' '), argument.size());
  const auto size = number(argument.substr(0, blank));
  const auto option = mime::trim(argument.substr(blank));
  const bool last = mime::equal_ignoring_case(option, "LAST");
  if (!options_.offer_chunking || !size || (!option.empty() && !last)) {
    // Nobody knows how many octets follow.
    say(501, "5.5.4", "BDAT size [LAST]");
    finish(make_error_code(errc::too_many_errors));
    return std::nullopt;
  }
  chunk_left_ = *size;
  chunk_last_ = last;
  chunk_refused_ = phase_ != phase::recipients;
  if (phase_ == phase::start) {
    say(503, "5.5.1", "EHLO first");
    finish(make_error_code(errc::too_many_errors));
    return std::nullopt;
  }
  phase_ = phase::chunk;
  if (chunk_refused_ || in_message_) return std::nullopt;
  in_message_ = true;
  abort_told_ = false;
  decoder_ = {};
  data_deadline_ = now_ + options_.data_timeout;
  message_deadline_ = now_ + options_.message_timeout;
  return server_event{.kind = server_event_kind::data_begin};
}

std::optional<server_event> server_session::read_chunk() {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, rest().size()));
  const auto octets = rest().first(count);
  at_ += count;
  chunk_left_ -= count;
  message_bytes_ += count;
  const bool fits = !chunk_refused_ && message_bytes_ <= options_.message_bytes_max;
  if (count != 0 && fits) return server_event{.kind = server_event_kind::data, .octets = octets};
  if (message_bytes_ / 2 > options_.message_bytes_max) {
    say(552, "5.3.4", "message too large");
    finish(make_error_code(errc::size_exceeded));
    return std::nullopt;
  }
  if (chunk_left_ != 0) return std::nullopt;
  touch(now_);
  phase_ = chunk_refused_ ? phase::ready : phase::recipients;
  if (chunk_refused_) {
    reset_transaction();
    refuse(503, "5.5.1", "no recipients");
    return std::nullopt;
  }
  if (!chunk_last_) {
    if (message_bytes_ > options_.message_bytes_max) return end_message(true);
    say(250, "2.0.0", "go on");
    return std::nullopt;
  }
  data_deadline_ = message_deadline_ = never;
  return end_message(false);
}

std::optional<server_event> server_session::handle_starttls() {
  if (!options_.offer_tls || tls_ || phase_ == phase::start) {
    refuse(503, "5.5.1", "STARTTLS is not available");
    return std::nullopt;
  }
  // Whatever stands behind STARTTLS came in the clear and would be read as if it had come protected.
  if (!rest().empty()) {
    say(503, "5.5.1", "commands behind STARTTLS");
    at_ = input_.size();
    finish(make_error_code(errc::too_many_errors));
    return std::nullopt;
  }
  say(220, "2.0.0", "go ahead");
  awaited_ = awaited::tls;
  return server_event{.kind = server_event_kind::start_tls};
}

void server_session::tls_started(time_point now) {
  if (awaited_ != awaited::tls) return;
  awaited_ = awaited::nothing;
  tls_ = true;
  input_.clear();
  at_ = 0;
  phase_ = phase::start;
  hello_.clear();
  user_.clear();
  recipients_ = 0;
  touch(now);
}

std::optional<server_event> server_session::handle_auth(std::string_view argument) {
  const bool available = options_.offer_auth && (tls_ || options_.auth_without_tls);
  if (!available) {
    if (options_.offer_auth) refuse(538, "5.7.11", "encryption required");
    else refuse(502, "5.5.1", "command not implemented");
    return std::nullopt;
  }
  if (phase_ != phase::ready || !user_.empty()) {
    refuse(503, "5.5.1", "not now");
    return std::nullopt;
  }
  const auto blank = std::min(argument.find(' '), argument.size());
  const auto mechanism = argument.substr(0, blank);
  const auto initial = mime::trim(argument.substr(blank));
  if (mime::equal_ignoring_case(mechanism, "PLAIN")) {
    phase_ = phase::plain;
    if (!initial.empty()) return handle_auth_line(initial);
    say(334, {}, "");
  } else if (mime::equal_ignoring_case(mechanism, "LOGIN")) {
    phase_ = phase::login_user;
    if (!initial.empty()) return handle_auth_line(initial);
    say(334, {}, login_user_prompt);
  } else {
    refuse(504, "5.5.4", "mechanism not supported");
  }
  return std::nullopt;
}

std::optional<server_event> server_session::handle_auth_line(std::string_view line) {
  const auto step = std::exchange(phase_, phase::ready);
  const auto decoded = mime::decode_base64(as_bytes(line), auth_line_max);
  if (line == "*" || !decoded) {
    refuse(501, "5.5.2", line == "*" ? "cancelled" : "not base64");
    return std::nullopt;
  }
  if (step == phase::plain) {
    auto c = parse_plain(line);
    if (c) return authenticate(*std::move(c));
    refuse(501, "5.5.2", "not a PLAIN response");
    return std::nullopt;
  }
  if (step == phase::login_user) {
    credentials_.user = as_text(*decoded);
    phase_ = phase::login_password;
    say(334, {}, login_password_prompt);
    return std::nullopt;
  }
  return authenticate({credentials_.user, std::string(as_text(*decoded))});
}

std::optional<server_event> server_session::authenticate(credentials c) {
  credentials_ = std::move(c);
  awaited_ = awaited::auth;
  return server_event{.kind = server_event_kind::authenticate, .text = credentials_.user, .password = credentials_.password};
}

void server_session::answer(const reply& r, time_point now) {
  const auto what = awaited_;
  if (what == awaited::nothing || what == awaited::tls) return;
  awaited_ = awaited::nothing;
  touch(now);
  auto sent = r;
  if (!extended_) sent.enhanced.clear();
  append_reply(output_, sent);
  switch (what) {
    case awaited::auth:
      if (r.is_positive()) user_ = credentials_.user;
      else if (++failed_authentications_ >= options_.authentications_max) {
        say(421, "4.7.0", "too many failed authentications");
        finish(make_error_code(errc::too_many_errors));
      }
      credentials_ = {};
      break;
    case awaited::mail: phase_ = r.is_positive() ? phase::mail : phase::ready; break;
    case awaited::recipient:
      if (r.is_positive()) {
        ++recipients_;
        phase_ = phase::recipients;
      }
      break;
    case awaited::message:
      abort_told_ = true;  // the message has its answer
      reset_transaction();
      break;
    default: break;
  }
  if (!r.is_positive()) count_error();
  if (r.code == 421) finish(make_error_code(errc::session_closed));
}

}  // namespace msgkit::mm4::smtp
