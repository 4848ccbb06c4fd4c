#include "common/http_chunk_decoder.hpp"

#include <algorithm>

namespace msgkit::app {
namespace {

constexpr std::size_t size_digits_max = 15;  // 2^60: no overflow, and no body is that large

int hex_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<std::uint8_t>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_text(std::uint8_t c) { return (c >= 0x20 && c != 0x7F) || c == '\t'; }

}  // namespace

http_chunk_decoder::verdict http_chunk_decoder::feed(bytes_view octets, std::size_t body_bytes_max, bool keep,
                                                     std::string& body, std::size_t& consumed) {
  consumed = 0;
  while (consumed < octets.size() && state_ != state::done) {
    if (state_ == state::data) {
      if (left_ > body_bytes_max - body_bytes_) return verdict::too_large;
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size() - consumed));
      if (keep) body += as_text(octets.subspan(consumed, count));
      consumed += count;
      left_ -= count;
      body_bytes_ += count;
      if (left_ == 0) state_ = state::data_cr;
    } else if (!step(octets[consumed++])) {
      state_ = state::bad;
      return verdict::refused;
    }
  }
  return state_ == state::done ? verdict::complete : verdict::need_more;
}

// False when the octet cannot stand here.
bool http_chunk_decoder::step(std::uint8_t c) {
  const auto expect = [&](char wanted, state next) {
    state_ = next;
    return c == wanted;
  };
  switch (state_) {
    case state::size_start:
    case state::size: return in_size(c);
    case state::extension:
      if (c == '\r') return expect('\r', state::size_lf);
      return is_text(c) && ++line_bytes_ <= line_bytes_max;
    case state::size_lf:
      line_bytes_ = 0;
      return expect('\n', left_ == 0 ? state::trailer_start : state::data);
    case state::data_cr: return expect('\r', state::data_lf);
    case state::data_lf:
      digits_ = 0;
      left_ = 0;
      return expect('\n', state::size_start);
    case state::trailer_start:
      if (c == '\r') return expect('\r', state::end_lf);
      if (c == ' ' || c == '\t') return false;  // folded
      state_ = state::trailer;
      [[fallthrough]];
    case state::trailer:
      if (c == '\r') return expect('\r', state::trailer_lf);
      return is_text(c) && ++line_bytes_ <= line_bytes_max;
    case state::trailer_lf: return expect('\n', state::trailer_start);
    case state::end_lf: return expect('\n', state::done);
    case state::data:
    case state::done:
    case state::bad: return false;
  }
  return false;
}

bool http_chunk_decoder::in_size(std::uint8_t c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    state_ = state::size;
    return ++digits_ <= size_digits_max;
  }
  if (state_ == state::size_start) return false;
  if (c == '\r') {
    state_ = state::size_lf;
    return true;
  }
  // White space before an extension is allowed by the grammar (BWS) and has been abused; nobody sends it.
  if (c != ';') return false;
  state_ = state::extension;
  return true;
}

}  // namespace msgkit::app
