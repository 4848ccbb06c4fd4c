#include "common/http_session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace msgkit::app {
namespace {

bool is_sendable(const http_field& field) {
  const auto bad_name = [](char c) { return c <= ' ' || c == ':' || c >= 0x7F; };
  const auto bad_value = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  return !field.name.empty() && std::ranges::none_of(field.name, bad_name) &&
         std::ranges::none_of(field.value, bad_value);
}

bool is_sendable(const http_response& r) {
  return r.status >= 200 && r.status <= 599 && is_sendable(http_field{"Content-Type", r.content_type}) &&
         std::ranges::all_of(r.fields, [](const http_field& f) { return is_sendable(f); });
}

}  // namespace

void append_http_response(std::string& out, const http_response& response, bool head_only, bool close,
                          bool keep_alive_http_1_0, std::string_view date) {
  if (!is_sendable(response)) {
    return append_http_response(out, http_error(500, "response cannot be sent"), head_only, close, keep_alive_http_1_0,
                                date);
  }
  constexpr std::size_t usual_head = 256;
  out.reserve(out.size() + usual_head + (head_only ? 0 : response.body.size()));
  out.append("HTTP/1.1 ").append(fmt::format_int(response.status).c_str()).append(" ");
  out.append(http_reason(response.status)).append("\r\n");
  if (!date.empty()) out.append("Date: ").append(date).append("\r\n");
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) {
    if (!response.body.empty()) out.append("Content-Type: ").append(response.content_type).append("\r\n");
    out.append("Content-Length: ").append(fmt::format_int(response.body.size()).c_str()).append("\r\n");
  }
  if (close) out += "Connection: close\r\n";
  else if (keep_alive_http_1_0) out += "Connection: keep-alive\r\n";
  for (const auto& field : response.fields) out.append(field.name).append(": ").append(field.value).append("\r\n");
  out += "\r\n";
  if (has_body && !head_only) out += response.body;
}

http_session::http_session(const http_limits& limits, admit_function admit, time_point now, date_function date,
                           failure_function on_failure)
    : limits_(limits),
      admit_(std::move(admit)),
      date_(std::move(date)),
      on_failure_(std::move(on_failure)),
      phase_began_(now) {}

void http_session::feed(bytes_view octets, time_point now) {
  if (finished_) return;
  if (input_done_) {
    input_clean_ = false;
    lingered_bytes_ += octets.size();
    if (lingering_ && lingered_bytes_ > limits_.lingering_bytes_max) finished_ = true;
    return;
  }
  in_.append(as_text(octets));
  parse(now);
  emit(now);
}

bool http_session::wants_input() const noexcept { return input_done_ || outstanding_ < limits_.pipeline_max; }

void http_session::parse(time_point now) {
  while (!input_done_ && outstanding_ < limits_.pipeline_max && unread() > 0 && parse_step(now)) {
  }
  if (input_done_ && unread() > 0) input_clean_ = false;
  if (input_done_ || in_read_ == in_.size()) {
    in_.clear();
    in_read_ = 0;
    if (in_.capacity() > 16 * 1024) std::string{}.swap(in_);
  } else if (in_read_ > 0) {
    in_.erase(0, in_read_);
    in_read_ = 0;
  }
}

// Feeds the parser once. False when it needs more octets.
bool http_session::parse_step(time_point now) {
  if (!parser_) {
    parser_.emplace(limits_.head);
    phase_began_ = now;
  }
  const auto progress = parser_->feed(as_bytes(in_).subspan(in_read_));
  in_read_ += progress.consumed;
  switch (progress.at) {
    case http_request_parser::step::need_more: return false;
    case http_request_parser::step::head: on_head(now); break;
    case http_request_parser::step::complete: on_complete(now); break;
    case http_request_parser::step::failed:
      if (parser_->failure().status == 413 && admission_ && admission_->refusal) {
        auto& s = add_slot(true);
        s.response = std::move(admission_->refusal);
        input_done_ = true;
        input_clean_ = false;
        parser_.reset();
        break;
      }
      fail(parser_->failure().status, parser_->failure().reason);
      break;
  }
  return true;
}

void http_session::on_head(time_point now) {
  phase_began_ = now;
  admission_ = admit_(parser_->request());
  const bool has_body = parser_->has_body();
  const bool waits = has_body && parser_->expects_continue();
  const auto limit = admission_->body_bytes_max;
  if (admission_->refusal) {
    parser_->limit_body(limits_.discarded_bytes_max, false);
    if (waits || parser_->declared_bytes() > limits_.discarded_bytes_max) {
      auto& s = add_slot(true);  // the rest of the input is a body we never asked for
      s.response = std::move(admission_->refusal);
      input_done_ = true;
      input_clean_ = waits;
      parser_.reset();
      return;
    }
  } else if (parser_->declared_bytes() > limit) {
    return fail(413, "body is too large");
  } else {
    parser_->limit_body(limit, true);
    if (waits) slots_.push_back({.is_continue = true});
  }
  if (!has_body) on_complete(now);
}

void http_session::on_complete(time_point now) {
  if (parser_->has_body()) return;
  // A body, if there was one, has been moved into the request by the last feed().
  auto& s = add_slot(!parser_->keep_alive());
  if (admission_->refusal) s.response = std::move(admission_->refusal);
  else ready_.push_back({s.id, std::move(parser_->request()), admission_->tag});
  if (s.close) input_done_ = true;
  parser_.reset();
  admission_.reset();
  phase_began_ = now;
}

http_session::slot& http_session::add_slot(bool close) {
  ++outstanding_;
  const bool head_known = parser_ && !parser_->request().method.empty();
  return slots_.emplace_back(slot{.id = next_id_++,
                                  .head_only = head_known && parser_->request().method == "HEAD",
                                  .is_http_1_0 = head_known && parser_->request().is_http_1_0,
                                  .close = close});
}

// Answers in place of a request that cannot be read on; the connection closes after it.
void http_session::fail(unsigned status, std::string_view reason) {
  auto& s = add_slot(true);
  s.response = http_error(status, reason);
  input_done_ = true;
  input_clean_ = false;
  parser_.reset();
  admission_.reset();
  if (on_failure_) on_failure_(status, reason);
}

std::optional<http_incoming> http_session::next_request() {
  if (ready_.empty()) return std::nullopt;
  std::optional<http_incoming> out(std::move(ready_.front()));
  ready_.pop_front();
  return out;
}

void http_session::respond(std::uint64_t id, http_response response, time_point now) {
  const auto it = std::ranges::find_if(slots_, [&](const slot& s) { return s.id == id && !s.is_continue; });
  if (it == slots_.end() || it->response) return;
  it->response = std::move(response);
  emit(now);
  parse(now);  // a full pipeline may have left octets waiting
  emit(now);
}

void http_session::emit(time_point now) {
  while (!slots_.empty() && !finished_ && !lingering_) {
    const auto& s = slots_.front();
    if (s.is_continue) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      slots_.pop_front();
      continue;
    }
    if (!s.response) return;
    const bool last = s.close || (draining_ && slots_.size() == 1 && !parser_);
    append_response(s, last);
    slots_.pop_front();
    --outstanding_;
    if (slots_.empty() && !parser_) phase_began_ = now;
    if (last) end_connection(now);
  }
}

void http_session::append_response(const slot& s, bool close) {
  append_http_response(out_, *s.response, s.head_only, close, s.is_http_1_0, date_ ? date_() : std::string_view{});
}

// Closing while unread octets wait in the kernel would make it reset the connection and destroy the response on its
// way. So what is still coming is read and dropped for a moment (RFC 9112 section 9.6).
void http_session::end_connection(time_point now) {
  input_done_ = true;
  if (input_clean_ && unread() == 0) {
    finished_ = true;
    return;
  }
  lingering_ = true;
  phase_began_ = now;
}

std::string http_session::take_output() { return std::exchange(out_, {}); }

time_point http_session::next_deadline() const {
  if (finished_) return never;
  if (lingering_) return phase_began_ + limits_.linger_timeout;
  if (input_done_ || outstanding_ >= limits_.pipeline_max) return never;
  if (parser_) return phase_began_ + (admission_ ? limits_.body_timeout : limits_.head_timeout);
  return slots_.empty() ? phase_began_ + limits_.idle_timeout : never;
}

void http_session::on_time(time_point now) {
  if (now < next_deadline()) return;
  if (lingering_ || !parser_) {
    finished_ = true;
    return;
  }
  fail(408, admission_ ? "body took too long" : "head took too long");
  emit(now);
}

void http_session::drain(time_point now) {
  draining_ = true;
  if (slots_.empty() && !parser_) {
    input_done_ = true;
    finished_ = true;
  }
  emit(now);
}

}  // namespace msgkit::app
