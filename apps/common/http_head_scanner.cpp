#include "common/http_head_scanner.hpp"

#include <algorithm>
#include <array>

namespace msgkit::app {
namespace {

// tchar of RFC 9110 section 5.6.2.
constexpr auto token_table = [] {
  std::array<bool, 256> t{};
  for (int c = '0'; c <= '9'; ++c) t[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) t[static_cast<std::size_t>(c)] = t[static_cast<std::size_t>(c - 32)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    t[static_cast<std::size_t>(c)] = true;
  return t;
}();

constexpr bool is_control(std::uint8_t c) { return (c < 0x20 && c != '\t') || c == 0x7F; }

}  // namespace

http_head_scanner::verdict http_head_scanner::scan(bytes_view octets) {
  while (position_ < octets.size() && !complete_ && status_ == 0) {
    if (position_ == limits_.head_bytes_max) {
      refuse(431, "header fields are too large");
      break;
    }
    step(octets[position_++]);
    skip_run(octets.first(std::min(octets.size(), limits_.head_bytes_max)));
  }
  if (status_ != 0) return verdict::refused;
  return complete_ ? verdict::complete : verdict::need_more;
}

// What changes nothing in the middle of a name or a value.
void http_head_scanner::skip_run(bytes_view octets) {
  if (state_ == state::name)
    while (position_ < octets.size() && token_table[octets[position_]]) ++position_;
  if (state_ == state::value)
    while (position_ < octets.size() && !is_control(octets[position_])) ++position_;
}

void http_head_scanner::refuse(unsigned status, const char* reason) {
  status_ = status;
  reason_ = reason;
}

void http_head_scanner::expect_lf(std::uint8_t c, state next) {
  if (c == '\n') state_ = next;
  else refuse(400, "carriage return without line feed");
}

void http_head_scanner::step(std::uint8_t c) {
  switch (state_) {
    case state::start:
      if (c == '\r' && !skipped_empty_line_) {
        state_ = state::start_lf;
        return;
      }
      start_ = position_ - 1;
      state_ = state::line;
      return in_request_line(c);
    case state::start_lf:
      skipped_empty_line_ = true;
      return expect_lf(c, state::start);
    case state::line: return in_request_line(c);
    case state::line_lf:
    case state::value_lf: return expect_lf(c, state::field_start);
    case state::field_start: return in_field_start(c);
    case state::name:
      if (c == ':') state_ = state::value;
      else if (!token_table[c]) refuse(400, "ill-formed header field name");
      return;
    case state::value:
      if (c == '\r') state_ = state::value_lf;
      else if (is_control(c)) refuse(400, "control character in a header field");
      return;
    case state::end_lf:
      expect_lf(c, state::end_lf);
      complete_ = status_ == 0;
      return;
  }
}

void http_head_scanner::in_request_line(std::uint8_t c) {
  if (c == '\r') {
    state_ = state::line_lf;
  } else if (is_control(c) || c == '\t' || c >= 0x80) {
    refuse(400, "ill-formed request line");
  } else if (c == ' ') {
    if (++spaces_ > 2) refuse(400, "ill-formed request line");
  } else if (spaces_ == 1 && ++target_bytes_ > limits_.target_bytes_max) {
    refuse(414, "request target is too long");
  }
}

void http_head_scanner::in_field_start(std::uint8_t c) {
  if (c == '\r') {
    state_ = state::end_lf;
  } else if (c == ' ' || c == '\t') {
    refuse(400, "folded header field");
  } else if (!token_table[c]) {
    refuse(400, "ill-formed header field name");
  } else if (++fields_ > limits_.fields_max) {
    refuse(431, "too many header fields");
  } else {
    state_ = state::name;
  }
}

}  // namespace msgkit::app
