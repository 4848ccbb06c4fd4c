#include "msgkit/bridge/redis/session.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace msgkit::bridge::redis {
namespace {

constexpr std::string_view confirmations[] = {"subscribe",   "psubscribe",   "ssubscribe",
                                              "unsubscribe", "punsubscribe", "sunsubscribe"};

bool is_message(std::string_view word, std::size_t size) noexcept {
  return (size == 3 && (word == "message" || word == "smessage")) || (size == 4 && word == "pmessage");
}

}  // namespace

session::session(session_options options) : options_(std::move(options)), decoder_(options_.limits) {}

void session::connected(time_point now) {
  now_ = now;
  state_ = state::greeting;
  resp3_ = options_.resp3;
  subscribed_ = false;
  output_.clear();
  decoder_.reset();
  waiting_.clear();
  queued_.clear();
  ping_due_ = never;
  if (!resp3_) return greet_resp2();
  std::vector<std::string_view> hello{"HELLO", "3"};
  if (!options_.password.empty()) {
    const std::string_view user = options_.user_name.empty() ? "default" : std::string_view(options_.user_name);
    hello.insert(hello.end(), {"AUTH", user, options_.password});
  }
  if (!options_.client_name.empty()) hello.insert(hello.end(), {"SETNAME", options_.client_name});
  send(hello, {.purpose = purpose::hello, .limit = options_.connect_timeout});
}

void session::greet_resp2() {
  const auto limit = options_.connect_timeout;
  if (!options_.password.empty()) {
    std::vector<std::string_view> auth{"AUTH"};
    if (!options_.user_name.empty()) auth.push_back(options_.user_name);
    auth.push_back(options_.password);
    send(auth, {.purpose = purpose::auth, .limit = limit});
  }
  if (!options_.client_name.empty())
    send(std::array<std::string_view, 3>{"CLIENT", "SETNAME", options_.client_name},
         {.purpose = purpose::set_name, .limit = limit});
  const auto database = std::to_string(options_.database);
  send(std::array<std::string_view, 2>{"SELECT", database}, {.purpose = purpose::select, .limit = limit});
}

void session::send(std::span<const std::string_view> arguments, pending p) {
  append_command(output_, arguments);
  if (waiting_.empty()) reply_deadline_ = now_ + p.limit;
  waiting_.push_back(p);
  if (options_.ping_interval.count() > 0) ping_due_ = now_ + options_.ping_interval;
}

void session::feed(bytes_view octets, time_point now) {
  now_ = now;
  if (state_ == state::closed) return;
  decoder_.feed(octets);
  if (options_.ping_interval.count() > 0) ping_due_ = now + options_.ping_interval;
}

std::optional<event> session::next_event() {
  while (true) {
    if (!queued_.empty()) {
      auto e = std::move(queued_.front());
      queued_.pop_front();
      return e;
    }
    if (state_ == state::closed) return std::nullopt;
    const auto v = decoder_.next();
    if (!v) {
      finish(v.error().code);
      continue;
    }
    if (!*v) return std::nullopt;
    if (auto e = handle(**v)) return e;
  }
}

std::optional<event> session::handle(value v) {
  const bool may_be_message = v.kind() == kind::push || (!resp3_ && subscribed_ && v.kind() == kind::array);
  if (may_be_message && v.size() > 0) {
    const auto word = v.child(0).text();
    if (is_message(word, v.size()) || std::ranges::find(confirmations, word) != std::end(confirmations))
      return handle_push(v);
  }
  if (v.kind() == kind::push) return std::nullopt;  // invalidations and the like, which we did not ask for
  if (waiting_.empty()) {
    finish(make_error_code(errc::protocol_violation));
    return std::nullopt;
  }
  const auto p = waiting_.front();
  pop_waiting();
  switch (p.purpose) {
    case purpose::ping: return std::nullopt;
    case purpose::command:
    case purpose::subscribe: return event{.kind = event_kind::reply, .cookie = p.cookie, .reply = v};
    default: return handle_greeting(p, v);
  }
}

std::optional<event> session::handle_push(value v) {
  const auto word = v.child(0).text();
  if (is_message(word, v.size())) {
    event e{.kind = event_kind::message, .channel = v.child(v.size() - 2).text(), .payload = v.child(v.size() - 1).text()};
    if (v.size() == 4) e.pattern = v.child(1).text();
    return e;
  }
  const bool leaves = word.find("unsubscribe") != std::string_view::npos;
  const bool is_answer =
      !waiting_.empty() && waiting_.front().purpose == purpose::subscribe && waiting_.front().leaves == leaves;
  if (!is_answer && word == "sunsubscribe")
    return event{.kind = event_kind::unsubscribed, .channel = v.child(1).text()};
  if (!is_answer) return std::nullopt;
  if (--waiting_.front().confirmations > 0) return std::nullopt;
  const auto cookie = waiting_.front().cookie;
  pop_waiting();
  return event{.kind = event_kind::reply, .cookie = cookie, .reply = v};
}

std::optional<event> session::handle_greeting(const pending& p, value v) {
  if (v.is_error()) {
    const bool no_hello = p.purpose == purpose::hello &&
                          (v.text().starts_with("ERR unknown command") || v.text().starts_with("NOPROTO"));
    if (no_hello) {
      resp3_ = false;
      greet_resp2();
      return std::nullopt;
    }
    if (p.purpose == purpose::set_name) return std::nullopt;  // a name is a nicety
    return refuse(errc::protocol_violation, v);
  }
  if (p.purpose == purpose::hello && options_.database != 0) {
    const auto database = std::to_string(options_.database);
    send(std::array<std::string_view, 2>{"SELECT", database},
         {.purpose = purpose::select, .limit = options_.connect_timeout});
    return std::nullopt;
  }
  if (p.purpose == purpose::role && v.child(0).text() != "master") return refuse(errc::not_master, {});
  if (p.purpose != purpose::hello && p.purpose != purpose::select && p.purpose != purpose::role) return std::nullopt;
  if (options_.master_only && p.purpose != purpose::role) {
    send(std::array<std::string_view, 1>{"ROLE"}, {.purpose = purpose::role, .limit = options_.connect_timeout});
    return std::nullopt;
  }
  state_ = state::ready;
  return event{.kind = event_kind::ready};
}

// The server's words are valid for as long as the reply they are in.
std::optional<event> session::refuse(errc why, value words) {
  finish(make_error_code(why), words);
  auto e = std::move(queued_.back());
  queued_.pop_back();
  return e;
}

void session::pop_waiting() {
  waiting_.pop_front();
  reply_deadline_ = waiting_.empty() ? never : now_ + waiting_.front().limit;
}

result<void> session::command(std::span<const std::string_view> arguments, std::uint64_t cookie, time_point now,
                              std::chrono::milliseconds blocks_for) {
  if (state_ != state::ready) return errc::not_connected;
  if (pipeline_room() == 0) return errc::window_full;
  now_ = now;
  send(arguments, {.purpose = purpose::command, .cookie = cookie, .limit = options_.reply_timeout + blocks_for});
  return {};
}

result<void> session::subscribe(std::string_view verb, std::span<const std::string_view> names, std::uint64_t cookie,
                                time_point now) {
  if (state_ != state::ready) return errc::not_connected;
  if (pipeline_room() == 0) return errc::window_full;
  if (names.empty()) return errc::value_out_of_range;
  now_ = now;
  subscribed_ = true;
  std::vector<std::string_view> arguments{verb};
  arguments.insert(arguments.end(), names.begin(), names.end());
  send(arguments, {.purpose = purpose::subscribe,
                   .cookie = cookie,
                   .confirmations = names.size(),
                   .leaves = verb.find("UNSUBSCRIBE") != std::string_view::npos,
                   .limit = options_.reply_timeout});
  return {};
}

void session::finish(std::error_code reason, value words) {
  if (state_ == state::closed) return;
  state_ = state::closed;
  ping_due_ = reply_deadline_ = never;
  for (const auto& p : waiting_)
    if (p.purpose == purpose::command || p.purpose == purpose::subscribe)
      queued_.push_back({.kind = event_kind::reply, .cookie = p.cookie, .error = reason});
  waiting_.clear();
  queued_.push_back({.kind = event_kind::closed, .reply = words, .error = reason});
}

void session::disconnected(std::error_code reason) {
  finish(reason ? reason : make_error_code(errc::not_connected));
}

time_point session::next_deadline() const noexcept { return std::min(reply_deadline_, ping_due_); }

void session::on_time(time_point now) {
  now_ = now;
  if (state_ == state::closed) return;
  if (now >= reply_deadline_)
    return finish(make_error_code(state_ == state::greeting ? errc::connect_timeout : errc::reply_timeout));
  if (now < ping_due_) return;
  ping_due_ = now + options_.ping_interval;
  if (state_ == state::ready && waiting_.empty()) {
    // RESP2 answers a PING of a subscriber with a two-element array, RESP3 with +PONG: one reply either way.
    send(std::array<std::string_view, 1>{"PING"}, {.purpose = purpose::ping, .limit = options_.reply_timeout});
  }
}

}  // namespace msgkit::bridge::redis
