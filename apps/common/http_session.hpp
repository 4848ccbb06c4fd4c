// One HTTP/1.1 server connection as a state machine: octets in, requests out; responses in, octets out.
//
// Responses may be given in any order and leave in the order of the requests; whatever is ready leaves in one
// take_output(). At most `pipeline_max` requests are out at a time, beyond which input waits (see wants_input()).
// No socket, no clock: `now` is passed in. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "common/http_message.hpp"
#include "common/http_request_parser.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

struct http_limits {
  http_head_limits head{};
  std::size_t pipeline_max = 16;
  std::size_t body_bytes_default_max = 1024 * 1024;   // for routes that say nothing else
  std::size_t discarded_bytes_max = 64 * 1024;        // a refused request's body up to this is read, to stay connected
  std::size_t lingering_bytes_max = 1024 * 1024;      // read and dropped after the last response
  std::chrono::milliseconds head_timeout{10'000};     // first to last octet of a head: 408
  std::chrono::milliseconds body_timeout{60'000};     // end of head to end of body: 408
  std::chrono::milliseconds idle_timeout{60'000};     // between requests: closed without a word
  std::chrono::milliseconds linger_timeout{1'000};    // for the peer to read our last response before we close
};

// The verdict on a head, before any of the body is read.
struct http_admission {
  std::size_t body_bytes_max = 1024 * 1024;
  std::optional<http_response> refusal{};  // answered instead of handing the request out
  std::size_t tag = 0;                     // comes back with the request
};

struct http_incoming {
  std::uint64_t id = 0;
  http_request request;
  std::size_t tag = 0;
};

class http_session {
 public:
  using admit_function = std::function<http_admission(http_request& head)>;
  using date_function = std::function<std::string_view()>;
  using failure_function = std::function<void(unsigned status, std::string_view reason)>;

  // `admit` sees each head. `date`, when given, makes Date fields; `on_failure` hears of requests answered by the
  // session itself: malformed, too large, too slow.
  http_session(const http_limits& limits, admit_function admit, time_point now, date_function date = {},
               failure_function on_failure = {});

  void feed(bytes_view octets, time_point now);
  [[nodiscard]] std::optional<http_incoming> next_request();
  // Unknown or already answered ids are ignored.
  void respond(std::uint64_t id, http_response response, time_point now);
  // Octets to send; empty when there are none.
  [[nodiscard]] std::string take_output();

  [[nodiscard]] time_point next_deadline() const;
  void on_time(time_point now);
  // No new requests: what is out is answered with Connection: close, an idle connection closes now.
  void drain(time_point now);

  // False while the pipeline is full: stop reading until a response has made room.
  [[nodiscard]] bool wants_input() const noexcept;
  // True once the connection shall be closed when its output has left.
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }

 private:
  struct slot {
    std::uint64_t id = 0;
    std::optional<http_response> response{};
    bool is_continue = false;  // not a response of its own: the 100 that asks for a body
    bool head_only = false;
    bool is_http_1_0 = false;
    bool close = false;
  };

  void parse(time_point now);
  bool parse_step(time_point now);
  void on_head(time_point now);
  void on_complete(time_point now);
  void fail(unsigned status, std::string_view reason);
  slot& add_slot(bool close);
  void emit(time_point now);
  void append_response(const slot& s, bool close);
  void end_connection(time_point now);
  [[nodiscard]] std::size_t unread() const noexcept { return in_.size() - in_read_; }

  http_limits limits_;
  admit_function admit_;
  date_function date_;
  failure_function on_failure_;
  std::string in_;
  std::size_t in_read_ = 0;
  std::string out_;
  std::optional<http_request_parser> parser_;  // of the request being read
  std::optional<http_admission> admission_;    // set from its head to its end
  std::deque<slot> slots_;                     // oldest first
  std::deque<http_incoming> ready_;
  std::uint64_t next_id_ = 1;
  std::size_t outstanding_ = 0;
  std::size_t lingered_bytes_ = 0;
  time_point phase_began_;  // of the idle time, the head, the body or the lingering
  bool input_done_ = false;
  bool input_clean_ = true;  // nothing the peer sent was left unread
  bool draining_ = false;
  bool lingering_ = false;
  bool finished_ = false;
};

// Appends status line, fields and body. A field that holds a line break or another control turns the response into a
// 500 without it: header injection is a fault of ours, never sent.
void append_http_response(std::string& out, const http_response& response, bool head_only, bool close,
                          bool keep_alive_http_1_0, std::string_view date);

}  // namespace msgkit::app
