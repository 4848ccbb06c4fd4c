// The client's end of a WebSocket (RFC 6455) that carries MQTT: the upgrade, then binary frames as an octet stream.
// MQTT packets may span frames and share them (MQTT 5 section 6), hence frames are not shown.
//
//   client c(options);   c.start();      transmit(c.output()); c.clear_output();
//   c.feed(octets);      use(c.received()); c.clear_received();
//   if (c.is_open()) c.send(octets);
//
// Data is passed on as it comes, whatever length a frame announces: kept are only an incomplete frame header, a control
// payload of at most 125 octets and, during the upgrade, at most `response_bytes_max`.
// No clock: who waits for is_open() sets the limit. Not thread-safe: owned by one driver.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::bridge::websocket {

struct client_options {
  std::string host{};  // of the Host header, with the port
  std::string path = "/mqtt";
  std::string key{};                      // base64 of 16 random octets
  std::string accept{};                   // what the server has to answer to that key, section 4.2.2
  std::function<std::uint32_t()> mask{};  // unpredictable, anew for every frame (section 10.3)
  std::size_t response_bytes_max = 8 * 1024;
};

class client {
 public:
  explicit client(client_options options) : options_(std::move(options)) {}

  // Puts the request into the output. Errors: value_out_of_range for a host or path that a header cannot carry.
  result<void> start();
  // Errors, after which the connection is to be closed once the output has left: http_response_invalid,
  // upgrade_refused, frame_invalid, websocket_closed. What was received before the error remains.
  result<void> feed(bytes_view octets);
  [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
  // One masked binary frame. Precondition: is_open().
  void send(bytes_view octets);
  // Says goodbye (1000) once; nothing is sent after it.
  void close();

  [[nodiscard]] bytes_view received() const noexcept { return received_; }
  void clear_received() noexcept { received_.clear(); }
  [[nodiscard]] bytes_view output() const noexcept { return output_; }
  void clear_output() noexcept { output_.clear(); }

 private:
  enum class state : std::uint8_t { upgrading, open, closed };

  result<void> judge_response(std::string_view head) const;
  result<void> read_header(bytes_view& octets);
  result<void> read_payload(bytes_view& octets);
  result<void> end_control();
  void write_frame(std::uint8_t opcode, bytes_view payload);

  client_options options_;
  state state_ = state::upgrading;
  std::string response_;
  byte_vector header_;   // incomplete
  byte_vector control_;  // payload so far
  std::uint8_t opcode_ = 0;
  std::uint64_t left_ = 0;  // of the payload
  bool in_payload_ = false;
  bool in_message_ = false;  // a fragmented message goes on
  byte_vector received_;
  byte_vector output_;
};

}  // namespace msgkit::bridge::websocket
