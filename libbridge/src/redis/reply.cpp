#include "msgkit/bridge/redis/reply.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace msgkit::bridge::redis {

std::string_view value::text() const noexcept {
  if (nodes_ == nullptr || nodes_[at_].length == 0) return {};
  return as_text({octets_ + nodes_[at_].offset, nodes_[at_].length});
}

value value::child(std::size_t i) const {
  if (i >= size()) return {};
  auto at = begin();
  for (; i > 0; --i) ++at;
  return *at;
}

void decoder::feed(bytes_view octets) {
  // The reply handed out last is over.
  if (start_ != 0 && start_ * 2 >= buffer_.size()) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start_));
    for (auto& n : nodes_) n.offset -= std::min(n.offset, start_);
    at_ -= start_;
    line_at_ = line_at_ > start_ ? line_at_ - start_ : 0;
    start_ = 0;
  }
  append(buffer_, octets);
}

void decoder::reset() {
  buffer_.clear();
  nodes_.clear();
  open_.clear();
  start_ = at_ = line_at_ = 0;
  fault_ = {};
}

result<std::optional<value>> decoder::next() {
  if (fault_.code) return fault_;
  if (open_.empty() && !nodes_.empty() && at_ == start_) nodes_.clear();
  const auto outcome = scan();
  if (outcome == step::failed) return fault_;
  if (outcome == step::more) return std::optional<value>{};
  // Leading attributes belong to the reply but are of no use to us: the value is the node behind them.
  std::size_t root = 0;
  while (nodes_[root].kind == kind::attribute) root = nodes_[root].end;
  start_ = line_at_ = at_;
  return std::optional<value>(value(nodes_.data(), buffer_.data(), root));
}

decoder::step decoder::fail(bridge::errc why, std::string_view field) {
  fault_ = {make_error_code(why), field, at_ - start_};
  return step::failed;
}

decoder::step decoder::scan() {
  while (true) {
    if (const auto s = scan_node(); s != step::done) return s;
    if (open_.empty() && nodes_.back().kind != kind::attribute) {
      // An attribute that has just been closed is no reply yet.
      std::size_t root = 0;
      while (root < nodes_.size() && nodes_[root].kind == kind::attribute) root = nodes_[root].end;
      if (root < nodes_.size()) return step::done;
    }
  }
}

void decoder::close_levels() {
  while (!open_.empty()) {
    auto& top = open_.back();
    auto& n = nodes_[top.node];
    if (--top.left > 0) return;
    n.end = static_cast<std::uint32_t>(nodes_.size());
    const bool attribute = n.kind == kind::attribute;
    open_.pop_back();
    if (attribute) return;  // counts for nothing where it stands
  }
}

decoder::step decoder::scalar(node n) {
  n.end = static_cast<std::uint32_t>(nodes_.size() + 1);
  nodes_.push_back(n);
  close_levels();
  return step::done;
}

decoder::step decoder::open(node n, std::uint64_t count) {
  if (n.kind == kind::map || n.kind == kind::attribute) count *= 2;
  if (count + nodes_.size() + 1 > limits_.elements_max) return fail(errc::resp_too_many_elements, "aggregate");
  if (open_.size() + 1 > limits_.depth_max) return fail(errc::resp_nesting_too_deep, "aggregate");
  n.children = static_cast<std::uint32_t>(count);
  if (count == 0 && n.kind != kind::attribute) return scalar(n);
  n.end = static_cast<std::uint32_t>(nodes_.size() + 1);
  nodes_.push_back(n);
  if (count != 0) open_.push_back({static_cast<std::uint32_t>(nodes_.size() - 1), count});
  return step::done;
}

// One line, and the text a bulk announces. Nothing is consumed before all of it is there.
decoder::step decoder::scan_node() {
  if (nodes_.size() >= limits_.elements_max) return fail(errc::resp_too_many_elements, "reply");
  if (at_ - start_ > limits_.reply_bytes_max) return fail(errc::packet_too_large, "reply");
  const auto* data = buffer_.data();
  const auto from = std::max(line_at_, at_);
  const auto* found = from < buffer_.size()
                          ? static_cast<const std::uint8_t*>(std::memchr(data + from, '\n', buffer_.size() - from))
                          : nullptr;
  if (found == nullptr) {
    line_at_ = buffer_.size();
    return buffer_.size() - at_ > limits_.line_bytes_max ? fail(errc::resp_line_too_long, "line") : step::more;
  }
  const auto line_end = static_cast<std::size_t>(found - data);
  if (line_end - at_ > limits_.line_bytes_max) return fail(errc::resp_line_too_long, "line");
  if (line_end < at_ + 2 || data[line_end - 1] != '\r') return fail(errc::resp_terminator_missing, "line");
  const auto line = as_text({data + at_ + 1, line_end - 1 - (at_ + 1)});
  node n{.offset = at_ + 1, .length = line.size()};
  std::int64_t number = 0;
  const auto type = static_cast<char>(data[at_]);
  const bool counted = std::strchr(":$=!*%~>|", type) != nullptr && type != '\0';
  if (counted) {
    const auto digits = line.starts_with('+') ? line.substr(1) : line;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (ec != std::errc{} || end != digits.data() + digits.size()) return fail(errc::resp_number_invalid, "length");
    if (type != ':' && (number < -1 || (number == -1 && type != '$' && type != '*')))
      return fail(errc::resp_number_invalid, "length");
  }
  const auto next = line_end + 1;
  const auto consume = [&](std::size_t end) { at_ = line_at_ = end; };
  switch (type) {
    case '+': n.kind = kind::simple; break;
    case '-': n.kind = kind::error; break;
    case ',': n.kind = kind::real; break;
    case '(': n.kind = kind::big; break;
    case '_': n = {.kind = kind::null}; break;
    case '#':
      if (line != "t" && line != "f") return fail(errc::value_out_of_range, "boolean");
      n = {.kind = kind::boolean, .integer = line == "t"};
      break;
    case ':': n = {.kind = kind::integer, .integer = number}; break;
    case '$':
    case '=':
    case '!': {
      if (number < 0) {
        n = {.kind = kind::null};
        break;
      }
      const auto length = static_cast<std::size_t>(number);
      if (length > limits_.bulk_bytes_max) return fail(errc::packet_too_large, "bulk");
      if (buffer_.size() < next + length + 2) {
        line_at_ = line_end;  // found again at once
        return step::more;
      }
      if (data[next + length] != '\r' || data[next + length + 1] != '\n')
        return fail(errc::resp_terminator_missing, "bulk");
      const std::size_t prefix = type == '=' && length >= 4 ? 4 : 0;
      n = {.kind = type == '!' ? kind::error : kind::bulk, .offset = next + prefix, .length = length - prefix};
      consume(next + length + 2);
      return scalar(n);
    }
    case '*':
    case '%':
    case '~':
    case '>':
    case '|': {
      consume(next);
      if (number < 0) return scalar({.kind = kind::null});
      n = {.kind = type == '*'   ? kind::array
                   : type == '%' ? kind::map
                   : type == '~' ? kind::set
                   : type == '>' ? kind::push
                                 : kind::attribute};
      return open(n, static_cast<std::uint64_t>(number));
    }
    default: return fail(errc::resp_type_unknown, "type");
  }
  consume(next);
  return scalar(n);
}

}  // namespace msgkit::bridge::redis
