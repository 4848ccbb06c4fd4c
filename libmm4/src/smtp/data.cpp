#include "msgkit/mm4/smtp/data.hpp"

#include <cstring>

namespace msgkit::mm4::smtp {
namespace {

constexpr std::uint8_t cr = '\r', lf = '\n';
constexpr std::uint8_t crlf_octets[] = {cr, lf};

// Where the next CR or LF stands, or the end.
std::size_t find_newline(bytes_view octets, std::size_t from) noexcept {
  const auto* start = octets.data() + from;
  const auto size = octets.size() - from;
  const auto* l = static_cast<const std::uint8_t*>(std::memchr(start, lf, size));
  const auto bound = l == nullptr ? size : static_cast<std::size_t>(l - start);
  const auto* c = static_cast<const std::uint8_t*>(std::memchr(start, cr, bound));
  return c != nullptr ? static_cast<std::size_t>(c - octets.data()) : from + bound;
}

}  // namespace

// Content is handed on in runs: `run` is where the octets begin that have not been handed on yet. A dot that starts a
// line is left out of its run; a CR behind it waits until the next octet shows whether the message ends.
std::size_t data_decoder::feed(bytes_view octets, const sink& out) {
  std::size_t run = 0, i = 0;
  const auto hand_on = [&](std::size_t to) {
    if (to > run) out(octets.subspan(run, to - run));
  };
  while (i < octets.size() && state_ != state::finished) {
    const auto c = octets[i];
    switch (state_) {
      case state::line_start:
        if (c == '.') {
          hand_on(i);
          run = ++i;
          state_ = state::dot;
          break;
        }
        state_ = state::text;
        [[fallthrough]];
      case state::text: {
        i = find_newline(octets, i);
        if (i == octets.size()) break;
        if (octets[i] == cr) state_ = state::cr;
        else bare_newline_ = true;
        ++i;
        break;
      }
      case state::cr:
        if (c == lf) {
          state_ = state::line_start;
          ++i;
        } else {
          bare_newline_ = true;
          state_ = state::text;
        }
        break;
      case state::dot:
        if (c == cr) {
          ++i;
          state_ = state::dot_cr;
        } else {
          state_ = state::text;
        }
        break;
      case state::dot_cr:
        if (c == lf) {
          ++i;
          run = i;
          state_ = state::finished;
        } else {
          // The CR was content after all; it may have come with an earlier piece.
          bare_newline_ = true;
          if (run == i) out(bytes_view{crlf_octets, 1});
          state_ = state::text;
        }
        break;
      case state::finished: break;
    }
  }
  if (state_ == state::dot_cr) {
    run = i;  // the CR is decided with the next octet
  }
  if (state_ != state::finished) hand_on(i);
  return i;
}

void data_encoder::append_to(byte_vector& out, bytes_view octets) {
  std::size_t i = 0;
  while (i < octets.size()) {
    const auto c = octets[i];
    if (after_cr_) {
      after_cr_ = false;
      append(out, bytes_view{crlf_octets});
      at_line_start_ = true;
      if (c == lf) {
        ++i;
        continue;
      }
    }
    if (c == cr) {
      after_cr_ = true;
      ++i;
      continue;
    }
    if (c == lf) {
      append(out, bytes_view{crlf_octets});
      at_line_start_ = true;
      ++i;
      continue;
    }
    if (at_line_start_ && c == '.') out.push_back('.');
    at_line_start_ = false;
    const auto end = find_newline(octets, i);
    append(out, octets.subspan(i, end - i));
    i = end;
  }
}

void data_encoder::finish(byte_vector& out) {
  if (after_cr_ || !at_line_start_) append(out, bytes_view{crlf_octets});
  append(out, ".\r\n");
  at_line_start_ = true;
  after_cr_ = false;
}

}  // namespace msgkit::mm4::smtp
