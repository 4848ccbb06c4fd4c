#include "msgkit/bridge/websocket/client.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace msgkit::bridge::websocket {
namespace {

constexpr std::uint8_t op_continuation = 0, op_binary = 2, op_close = 8, op_ping = 9, op_pong = 10;
constexpr std::uint8_t bit_final = 0x80, bits_reserved = 0x70, bit_mask = 0x80, bit_control = 0x08;
constexpr std::size_t control_bytes_max = 125;
constexpr std::array<std::uint8_t, 2> normal_closure{0x03, 0xE8};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool lists(std::string_view value, std::string_view token) {
  while (true) {
    const auto comma = value.find(',');
    if (same(trim(value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

bool is_header_safe(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

// Octets of the header in all, known from its first two.
std::size_t header_size(std::uint8_t second) {
  const auto length = second & 0x7F;
  return length == 127 ? 10 : length == 126 ? 4 : 2;
}

}  // namespace

result<void> client::start() {
  if (!is_header_safe(options_.host)) return fault{make_error_code(errc::value_out_of_range), "host"};
  if (!is_header_safe(options_.path) || options_.path.front() != '/')
    return fault{make_error_code(errc::value_out_of_range), "path"};
  append(output_, "GET " + options_.path + " HTTP/1.1\r\nHost: " + options_.host +
                      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + options_.key +
                      "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
  return {};
}

result<void> client::judge_response(std::string_view head) const {
  auto end = head.find("\r\n");
  const auto status = head.substr(0, end);
  if (!status.starts_with("HTTP/1.1 ")) return fault{make_error_code(errc::http_response_invalid), "status"};
  if (!status.starts_with("HTTP/1.1 101")) return fault{make_error_code(errc::upgrade_refused), "status"};
  bool upgrade = false, connection = false, accept = false, protocol = false;
  while (end != std::string_view::npos) {
    head.remove_prefix(end + 2);
    end = head.find("\r\n");
    const auto line = head.substr(0, end);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return fault{make_error_code(errc::http_response_invalid), "header"};
    const auto name = line.substr(0, colon);
    const auto value = trim(line.substr(colon + 1));
    if (same(name, "Upgrade")) upgrade = same(value, "websocket");
    if (same(name, "Connection")) connection = lists(value, "upgrade");
    if (same(name, "Sec-WebSocket-Accept")) accept = value == options_.accept;
    if (same(name, "Sec-WebSocket-Protocol")) protocol = value == "mqtt";
    // We offered none, hence could not read what comes.
    if (same(name, "Sec-WebSocket-Extensions") && !value.empty())
      return fault{make_error_code(errc::upgrade_refused), "Sec-WebSocket-Extensions"};
  }
  if (!upgrade) return fault{make_error_code(errc::upgrade_refused), "Upgrade"};
  if (!connection) return fault{make_error_code(errc::upgrade_refused), "Connection"};
  if (!accept) return fault{make_error_code(errc::upgrade_refused), "Sec-WebSocket-Accept"};
  if (!protocol) return fault{make_error_code(errc::upgrade_refused), "Sec-WebSocket-Protocol"};
  return {};
}

result<void> client::feed(bytes_view octets) {
  if (state_ == state::closed) return errc::websocket_closed;
  result<void> done;
  while (state_ == state::upgrading && done && !octets.empty()) {
    response_.push_back(static_cast<char>(octets.front()));
    octets = octets.subspan(1);
    if (response_.ends_with("\r\n\r\n")) {
      done = judge_response(response_);
      if (done) state_ = state::open;
      response_ = {};
    } else if (response_.size() >= options_.response_bytes_max) {
      done = errc::http_response_invalid;
    }
  }
  while (state_ == state::open && done && !octets.empty())
    done = in_payload_ ? read_payload(octets) : read_header(octets);
  if (!done) state_ = state::closed;
  return done;
}

result<void> client::read_header(bytes_view& octets) {
  header_.push_back(octets.front());
  octets = octets.subspan(1);
  if (header_.size() < 2 || header_.size() < header_size(header_[1])) return {};

  const auto first = header_[0], second = header_[1];
  const bool final = (first & bit_final) != 0, control = (first & bit_control) != 0;
  opcode_ = first & 0x0F;
  left_ = second & 0x7F;
  if (left_ == 126) left_ = load_big<std::uint16_t>(&header_[2]);
  else if (left_ == 127) left_ = load_big<std::uint64_t>(&header_[2]);
  const bool shortest = header_.size() == 2 || (header_.size() == 4 ? left_ > 125 : left_ > 0xFFFF);
  header_.clear();

  const auto invalid = [](std::string_view field) { return fault{make_error_code(errc::frame_invalid), field}; };
  if ((first & bits_reserved) != 0) return invalid("reserved bits");
  if ((second & bit_mask) != 0) return invalid("mask");
  if (!shortest || left_ >> 63 != 0) return invalid("length");
  if (control) {
    if (opcode_ > op_pong) return invalid("opcode");
    if (!final || left_ > control_bytes_max) return invalid("control frame");
  } else {
    if (opcode_ != op_continuation && opcode_ != op_binary) return invalid("opcode");  // MQTT is binary
    if ((opcode_ == op_continuation) != in_message_) return invalid("continuation");
    in_message_ = !final;
  }
  in_payload_ = left_ != 0;
  return !in_payload_ && control ? end_control() : result<void>{};
}

result<void> client::read_payload(bytes_view& octets) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size()));
  const bool control = (opcode_ & bit_control) != 0;
  append(control ? control_ : received_, octets.first(n));
  octets = octets.subspan(n);
  left_ -= n;
  if (left_ != 0) return {};
  in_payload_ = false;
  return control ? end_control() : result<void>{};
}

result<void> client::end_control() {
  const auto payload = std::exchange(control_, {});
  if (opcode_ == op_ping) write_frame(op_pong, payload);
  if (opcode_ != op_close) return {};
  if (payload.size() == 1) return fault{make_error_code(errc::frame_invalid), "close code"};
  write_frame(op_close, bytes_view(payload).first(std::min<std::size_t>(payload.size(), 2)));
  return errc::websocket_closed;
}

void client::send(bytes_view octets) {
  assert(is_open());
  write_frame(op_binary, octets);
}

void client::close() {
  if (state_ == state::open) write_frame(op_close, normal_closure);
  state_ = state::closed;
}

void client::write_frame(std::uint8_t opcode, bytes_view payload) {
  output_.push_back(static_cast<std::uint8_t>(bit_final | opcode));
  const auto size = payload.size();
  if (size <= control_bytes_max) {
    output_.push_back(static_cast<std::uint8_t>(bit_mask | size));
  } else if (size <= 0xFFFF) {
    output_.push_back(bit_mask | 126);
    append_big(output_, static_cast<std::uint16_t>(size));
  } else {
    output_.push_back(bit_mask | 127);
    append_big(output_, static_cast<std::uint64_t>(size));
  }
  const auto at = output_.size();
  append_big(output_, options_.mask());
  output_.resize(at + 4 + size);
  for (std::size_t i = 0; i < size; ++i)
    output_[at + 4 + i] = static_cast<std::uint8_t>(payload[i] ^ output_[at + i % 4]);
}

}  // namespace msgkit::bridge::websocket
