#include "msgkit/mm4/smtp/client_session.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/mm4/smtp/command.hpp"

namespace msgkit::mm4::smtp {
namespace {

constexpr std::size_t produce_bytes = 64 * 1024;

std::error_code refusal(const reply& r) noexcept {
  return make_error_code(r.is_transient() ? errc::refused_temporarily : errc::refused);
}

}  // namespace

client_session::client_session(const client_session_options& options, time_point now)
    : options_(options), tls_(options.is_tls), now_(now), deadline_(now + options.greeting_timeout) {}

bool client_session::offers(std::string_view extension) const noexcept {
  return std::ranges::any_of(extensions_, [extension](std::string_view e) {
    return mime::starts_ignoring_case(e, extension) && (e.size() == extension.size() || e[extension.size()] == ' ');
  });
}

bool client_session::auth_offers(std::string_view mechanism) const noexcept {
  for (std::string_view e : extensions_) {
    // Old servers write "AUTH=".
    if (!mime::starts_ignoring_case(e, "AUTH ") && !mime::starts_ignoring_case(e, "AUTH=")) continue;
    for (e.remove_prefix(5); !e.empty();) {
      const auto end = std::min(e.find(' '), e.size());
      if (mime::equal_ignoring_case(e.substr(0, end), mechanism)) return true;
      e.remove_prefix(std::min(e.size(), end + 1));
    }
  }
  return false;
}

void client_session::command(std::string_view line, state next) {
  append(output_, line);
  append(output_, "\r\n");
  state_ = next;
  deadline_ = now_ + options_.command_timeout;
}

void client_session::feed(bytes_view octets, time_point now) {
  now_ = now;
  if (is_closed()) return;
  input_.append(as_text(octets));
  std::size_t at = 0;
  while (!is_closed()) {
    const auto newline = input_.find('\n', at);
    if (newline == std::string::npos) break;
    std::string_view line(input_.data() + at, newline - at);
    at = newline + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto r = line.size() > reply_line_max ? result<std::optional<reply>>(errc::line_too_long) : parser_.line(line);
    if (!r) return finish(r.error().code);
    if (!*r) continue;
    // Plain text behind the agreement to STARTTLS would be taken for protected replies.
    if (state_ == state::starttls && (*r)->is_positive() && at != input_.size()) return finish(make_error_code(errc::reply_invalid));
    last_text_ = (*r)->text();
    handle(**r);
  }
  input_.erase(0, std::min(at, input_.size()));
  if (input_.size() > reply_line_max) finish(make_error_code(errc::line_too_long));
}

void client_session::handle(const reply& r) {
  if (r.code == 421 && state_ != state::quit) {
    const bool in_transaction = state_ == state::envelope || state_ == state::data || state_ == state::content || state_ == state::data_end;
    if (in_transaction) complete(make_error_code(errc::refused_temporarily), r);
    return finish(make_error_code(errc::refused_temporarily));
  }
  switch (state_) {
    case state::greeting:
      if (!r.is_positive()) return finish(refusal(r));
      return command("EHLO " + options_.host_name, state::ehlo);
    case state::ehlo:
    case state::helo: return handle_hello(r);
    case state::starttls:
      if (r.is_positive()) {
        state_ = state::tls;
        deadline_ = never;  // the handshake has a limit of its own
        events_.push_back({.kind = client_event_kind::start_tls});
        return;
      }
      if (options_.tls == tls_policy::required) return finish(make_error_code(errc::tls_unavailable));
      return begin_auth();
    case state::auth_login:
      if (r.code != 334) return finish(refusal(r));
      return command(mime::encode_base64(as_bytes(options_.user), 0), state::auth_user);
    case state::auth_user:
      if (r.code != 334) return finish(refusal(r));
      return command(mime::encode_base64(as_bytes(options_.password), 0), state::auth_password);
    case state::auth_plain:
    case state::auth_password:
      if (!r.is_positive()) return finish(refusal(r));
      authenticated_ = true;
      return become_ready();
    case state::noop:
    case state::rset: return become_ready();
    case state::envelope: return handle_envelope(r);
    case state::data:
      if (r.code != 354) {
        complete(refusal(r), r);
        return command("RSET", state::rset);
      }
      state_ = state::content;
      produced_ = 0;
      encoder_ = {};
      deadline_ = now_ + options_.data_timeout;
      return produce(now_);
    case state::content:
      // An answer before the end: the server has had enough. What it takes for the rest is anybody's guess.
      complete(r.is_positive() ? make_error_code(errc::reply_invalid) : refusal(r), r);
      return finish(make_error_code(errc::reply_invalid));
    case state::data_end:
      complete(r.is_positive() ? std::error_code{} : refusal(r), r);
      return become_ready();
    case state::quit: return finish({});
    case state::ready:
    case state::tls:
    case state::closed: return finish(make_error_code(errc::reply_invalid));
  }
}

void client_session::handle_hello(const reply& r) {
  if (!r.is_positive()) {
    if (state_ == state::ehlo && r.is_permanent()) return command("HELO " + options_.host_name, state::helo);
    return finish(refusal(r));
  }
  extensions_.clear();
  size_limit_ = 0;
  if (state_ == state::ehlo)
    for (std::size_t i = 1; i < r.lines.size(); ++i) extensions_.push_back(r.lines[i]);
  for (const std::string_view e : extensions_)
    if (mime::starts_ignoring_case(e, "SIZE ")) std::from_chars(e.data() + 5, e.data() + e.size(), size_limit_);
  after_hello();
}

void client_session::after_hello() {
  const bool wanted = options_.tls != tls_policy::never && options_.can_tls && !tls_;
  if (wanted && offers("STARTTLS")) return command("STARTTLS", state::starttls);
  if (options_.tls == tls_policy::required && !tls_) return finish(make_error_code(errc::tls_unavailable));
  begin_auth();
}

void client_session::begin_auth() {
  if (options_.user.empty() || authenticated_) return become_ready();
  if (!tls_ && !options_.auth_without_tls) return finish(make_error_code(errc::authentication_unavailable));
  if (auth_offers("PLAIN")) {
    const std::string response = std::string(1, '\0') + options_.user + '\0' + options_.password;
    return command("AUTH PLAIN " + mime::encode_base64(as_bytes(response), 0), state::auth_plain);
  }
  if (auth_offers("LOGIN")) return command("AUTH LOGIN", state::auth_login);
  finish(make_error_code(errc::authentication_unavailable));
}

void client_session::tls_started(time_point now) {
  if (state_ != state::tls) return;
  now_ = now;
  tls_ = true;
  input_.clear();
  command("EHLO " + options_.host_name, state::ehlo);
}

void client_session::become_ready() {
  state_ = state::ready;
  deadline_ = never;
  events_.push_back({.kind = client_event_kind::ready});
}

result<void> client_session::send(transaction t, time_point now) {
  now_ = now;
  if (state_ != state::ready) return errc::state_forbids;
  if (t.rcpt_to.empty()) return errc::recipients_missing;
  if (!is_safe_mailbox(t.mail_from)) return fault{make_error_code(errc::unsafe_command), "mail_from", 0};
  for (const auto& r : t.rcpt_to)
    if (r.empty() || !is_safe_mailbox(r)) return fault{make_error_code(errc::unsafe_command), "rcpt_to", 0};
  if (size_limit_ != 0 && t.content.size() > size_limit_) return errc::size_exceeded;
  forget_ready();
  current_ = std::move(t);
  outcome_ = {.cookie = current_.cookie};
  for (const auto& r : current_.rcpt_to) outcome_.recipients.push_back({r});
  sent_commands_ = answered_commands_ = 0;
  chunking_ = options_.use_chunking && offers("CHUNKING");
  next_envelope_commands();
  return {};
}

// MAIL and RCPT: all at once when the server can take that, one by one otherwise.
void client_session::next_envelope_commands() {
  const auto count = current_.rcpt_to.size() + 1;
  const bool at_once = options_.use_pipelining && offers("PIPELINING");
  while (sent_commands_ < count && (at_once || sent_commands_ == answered_commands_)) {
    if (sent_commands_ == 0) {
      std::string line = "MAIL FROM:<" + current_.mail_from + '>';
      if (offers("SIZE")) line += " SIZE=" + std::to_string(current_.content.size());
      if (offers("8BITMIME") && ascii_prefix(as_text(current_.content)) < current_.content.size()) line += " BODY=8BITMIME";
      command(line, state::envelope);
    } else {
      command("RCPT TO:<" + current_.rcpt_to[sent_commands_ - 1] + '>', state::envelope);
    }
    ++sent_commands_;
  }
}

void client_session::handle_envelope(const reply& r) {
  const auto number = answered_commands_++;
  if (number == 0) {
    outcome_.answer = r;
    if (!r.is_positive() && sent_commands_ == 1) {
      complete(refusal(r), r);
      return command("RSET", state::rset);
    }
  } else {
    outcome_.recipients[number - 1].answer = r;
  }
  if (answered_commands_ == current_.rcpt_to.size() + 1) return envelope_finished();
  next_envelope_commands();
}

void client_session::envelope_finished() {
  const auto accepted = [](const recipient_result& r) { return r.answer.is_positive(); };
  const auto mail = outcome_.answer;
  if (!mail.is_positive() || std::ranges::none_of(outcome_.recipients, accepted)) {
    auto decisive = mail;
    if (mail.is_positive()) {
      // One recipient that may be accepted later makes another try worth while.
      const auto later = std::ranges::find_if(outcome_.recipients, [](const recipient_result& r) { return r.answer.is_transient(); });
      decisive = later != outcome_.recipients.end() ? later->answer : outcome_.recipients.front().answer;
    }
    complete(refusal(decisive), decisive);
    return command("RSET", state::rset);
  }
  if (!chunking_) return command("DATA", state::data);
  command("BDAT " + std::to_string(current_.content.size()) + " LAST", state::content);
  produced_ = 0;
  deadline_ = now_ + options_.data_timeout;
  produce(now_);
}

void client_session::produce(time_point now) {
  if (state_ != state::content) return;
  now_ = now;
  deadline_ = now_ + options_.data_timeout;
  const auto piece = current_.content.subspan(produced_, std::min(produce_bytes, current_.content.size() - produced_));
  if (chunking_) append(output_, piece);
  else encoder_.append_to(output_, piece);
  produced_ += piece.size();
  if (produced_ != current_.content.size()) return;
  if (!chunking_) encoder_.finish(output_);
  state_ = state::data_end;
  deadline_ = now_ + options_.data_end_timeout;
}

void client_session::complete(std::error_code error, reply answer) {
  outcome_.error = error;
  outcome_.answer = std::move(answer);
  current_ = {};
  state_ = state::ready;
  events_.push_back({.kind = client_event_kind::outcome, .reason = {}, .outcome = std::exchange(outcome_, {})});
}

// The moment that an unseen `ready` announced is over.
void client_session::forget_ready() {
  std::erase_if(events_, [](const queued_event& e) { return e.kind == client_event_kind::ready; });
}

void client_session::quit(time_point now) {
  now_ = now;
  if (is_closed() || state_ == state::quit) return;
  if (state_ == state::ready) return command("QUIT", state::quit);
  finish({});
}

result<void> client_session::noop(time_point now) {
  now_ = now;
  if (state_ != state::ready) return errc::state_forbids;
  forget_ready();
  command("NOOP", state::noop);
  return {};
}

void client_session::on_time(time_point now) {
  now_ = now;
  if (now < deadline_) return;
  finish(make_error_code(errc::command_timeout));
}

void client_session::disconnected(std::error_code reason) {
  finish(reason ? reason : make_error_code(errc::session_closed));
}

void client_session::finish(std::error_code reason) {
  if (is_closed()) return;
  // Octets that were handed to the driver may have arrived. Only before the last of them is the message certainly not
  // accepted.
  if (state_ == state::data_end) complete(make_error_code(errc::delivery_unknown), {});
  else if (state_ == state::envelope || state_ == state::data || state_ == state::content)
    complete(reason ? reason : make_error_code(errc::session_closed), {});
  state_ = state::closed;
  deadline_ = never;
  events_.push_back({.kind = client_event_kind::closed, .reason = reason});
}

std::optional<client_event> client_session::next_event() {
  if (events_.empty()) return std::nullopt;
  shown_ = std::move(events_.front());
  events_.pop_front();
  client_event e{.kind = shown_.kind, .reason = shown_.reason};
  if (e.kind == client_event_kind::outcome) e.outcome = &shown_.outcome;
  if (e.kind == client_event_kind::closed) e.text = last_text_;
  return e;
}

}  // namespace msgkit::mm4::smtp
