#include <algorithm>

#include "msgkit/goip/text.hpp"
#include "session_impl.hpp"

namespace msgkit::goip {
namespace {

constexpr std::string_view ussd_failure_text = "USSD send failed!";
constexpr std::chrono::seconds ussd_closing_time{10};

}  // namespace

result<void> session::send_ussd(line_key key, std::string_view code, time_point now, ussd_options o) {
  if (auto checked = check_ussd_code(code, o.is_choice); !checked) return checked;
  const auto line = impl_->usable(key, true);
  if (!line) return line.error();
  if ((*line)->outgoing().ussd.active) return errc::busy;
  impl_->begin_ussd(**line, code, false, o.cookie, now);
  return {};
}

result<void> session::exit_ussd(line_key key, time_point now, std::uint64_t cookie) {
  const auto line = impl_->usable(key, true);
  if (!line) return line.error();
  if ((*line)->outgoing().ussd.active)
    impl_->finish_ussd(**line, {.error = make_error_code(errc::canceled)});
  impl_->begin_ussd(**line, {}, true, cookie, now);
  return {};
}

void session::impl::begin_ussd(line_record& line, std::string_view code, bool is_exit, std::uint64_t cookie,
                               time_point now) {
  auto& c = line.out->ussd;
  if (c.closing) close(c.send_id);
  c = {.active = true, .is_exit = is_exit, .code = std::string(code), .cookie = cookie};
  c.send_id = open(line, conversation_kind::ussd);
  c.repeat_at = now + options.ussd_repeat_after;
  c.give_up = now + options.ussd_timeout;
  put_ussd(line);
  rearm(line);
}

void session::impl::put_ussd(line_record& line) {
  const auto& c = line.out->ussd;
  if (c.is_exit) send_words(line, ussd_exit_request{c.send_id, line.options.password});
  else send_words(line, ussd_request{c.send_id, line.options.password, c.code});
}

void session::impl::reply_to_ussd(line_record& line, const device_message& m, time_point now) {
  auto& c = line.out->ussd;
  if (std::holds_alternative<session_done>(m)) {
    if (c.closing) {
      close(c.send_id);
      c = {};
    }
    return;
  }
  const auto* reply = std::get_if<ussd_reply>(&m);
  const auto* error = std::get_if<ussd_error>(&m);
  const auto* other_error = std::get_if<error_reply>(&m);
  const bool is_exit = std::holds_alternative<ussd_exit>(m);
  if (reply == nullptr && error == nullptr && other_error == nullptr && !is_exit) {
    ++counters.unmatched_replies;
    return;
  }
  if (c.closing) return send_words(line, session_done{c.send_id});  // it has not seen the first one
  ussd_done done{.closed = is_exit};
  if (reply != nullptr) done.text = reply->text;
  if (error != nullptr) done.text = error->message;
  if (other_error != nullptr) done.text = other_error->message;
  if (error != nullptr || other_error != nullptr || done.text == ussd_failure_text)
    done.error = make_error_code(errc::refused);
  const auto send_id = c.send_id;
  send_words(line, session_done{send_id});
  done.line = line.key;
  done.cookie = c.cookie;
  c = {.closing = true, .send_id = send_id, .give_up = now + ussd_closing_time};
  emit(std::move(done));
}

void session::impl::finish_ussd(line_record& line, ussd_done done) {
  auto& c = line.out->ussd;
  done.line = line.key;
  done.cookie = c.cookie;
  close(c.send_id);
  c = {};
  emit(std::move(done));
}

result<void> session::send_command(line_key key, command what, std::span<const std::string_view> arguments,
                                   std::uint64_t cookie, time_point now) {
  auto& s = *impl_;
  if (auto checked = check_arguments(info_of(what), arguments); !checked) return checked;
  const auto line = s.usable(key, true);
  if (!line) return line.error();
  auto& commands = (*line)->outgoing().commands;
  if (commands.size() >= s.options.commands_max) return errc::busy;
  auto& c = commands.emplace_back();
  c.what = what;
  c.send_id = s.open(**line, conversation_kind::command);
  std::ranges::copy(arguments.first(info_of(what).argument_count), c.arguments.begin());
  c.cookie = cookie;
  c.next_try = now + s.options.command_timeout;
  s.put_command(**line, c);
  s.rearm(**line);
  return {};
}

void session::impl::put_command(line_record& line, const command_conversation& c) {
  command_request m{.what = c.what, .send_id = c.send_id, .password = line.options.password};
  std::ranges::copy(c.arguments, m.arguments.begin());
  put(line.status.endpoint, [&m](byte_vector& out) { return encode(server_message{m}, out).has_value(); });
}

void session::impl::reply_to_command(line_record& line, const device_message& m, std::uint32_t send_id) {
  auto& commands = line.out->commands;
  const auto found = std::ranges::find(commands, send_id, &command_conversation::send_id);
  const auto& info = info_of(found->what);
  command_reply reply{.send_id = send_id};
  if (const auto* words = std::get_if<command_reply>(&m)) reply = *words;
  else if (const auto* error = std::get_if<error_reply>(&m)) reply = {error_reply::verb, send_id, error->message};
  else if (const auto* block = std::get_if<goip::gsm_info>(&m))
    reply = {goip::gsm_info::verb, send_id, block->others.raw()};
  const auto reading = read_reply(info, reply);
  if (reading.kind == reply_kind::unrelated) {
    ++counters.unmatched_replies;
    return;
  }
  if (info.closed_by_done) send_words(line, session_done{send_id});
  command_done done{.verb = std::string(reply.verb), .value = std::string(reading.value)};
  if (reading.kind == reply_kind::refused) done.error = make_error_code(errc::refused);
  finish_command(line, static_cast<std::size_t>(found - commands.begin()), std::move(done));
}

void session::impl::finish_command(line_record& line, std::size_t index, command_done done) {
  auto& commands = line.out->commands;
  done.line = line.key;
  done.cookie = commands[index].cookie;
  close(commands[index].send_id);
  commands.erase(commands.begin() + static_cast<std::ptrdiff_t>(index));
  emit(std::move(done));
}

time_point session::impl::dialogue_deadline(const outbound& out) noexcept {
  time_point at = never;
  if (out.ussd.active) at = std::min({at, out.ussd.repeat_at, out.ussd.give_up});
  if (out.ussd.closing) at = std::min(at, out.ussd.give_up);
  for (const auto& each : out.commands) at = std::min(at, each.next_try);
  return at;
}

void session::impl::dialogues_on_time(line_record& line, time_point now) {
  auto& u = line.out->ussd;
  if ((u.active || u.closing) && now >= u.give_up) {
    if (u.active) {
      finish_ussd(line, {.error = make_error_code(errc::no_answer)});
    } else {
      close(u.send_id);
      u = {};
    }
  } else if (u.active && now >= u.repeat_at) {
    u.repeat_at = never;
    put_ussd(line);
  }
  auto& commands = line.out->commands;
  for (std::size_t i = 0; i < commands.size();) {
    auto& c = commands[i];
    if (now < c.next_try) {
      ++i;
    } else if (c.tries >= options.command_tries) {
      finish_command(line, i, {.error = make_error_code(errc::no_answer)});
    } else {
      ++c.tries;
      c.next_try = now + options.command_timeout;
      put_command(line, c);
      ++i;
    }
  }
}

void session::impl::abort_dialogues(line_record& line) {
  if (line.out->ussd.active) finish_ussd(line, {.error = make_error_code(errc::canceled)});
  if (line.out->ussd.closing) {
    close(line.out->ussd.send_id);
    line.out->ussd = {};
  }
  while (!line.out->commands.empty()) finish_command(line, 0, {.error = make_error_code(errc::canceled)});
}

}  // namespace msgkit::goip
