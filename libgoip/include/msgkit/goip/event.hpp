// What a session reports. Events own what they hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <variant>

#include "msgkit/goip/line.hpp"
#include "msgkit/goip/sms_status.hpp"

namespace msgkit::goip {

// The right to answer a notification. The device repeats it (every 3 s, three times) until it is answered; while the
// token is open those repetitions stay silent. Hand it back with acknowledge(), refuse() or abandon().
struct ack_token {
  line_key line{};
  std::uint64_t serial = 0;
  friend bool operator==(const ack_token&, const ack_token&) = default;
};

// Identifies a notification across restarts of ours, for a unique index: the device's number restarts with it, so the
// contents belong to the key.
struct notification_identity {
  std::string verb{};
  std::string number{};       // digits as received
  std::uint64_t fingerprint = 0;  // of all that the notification says, credentials aside
};

// The line's state or something its keepalive says has changed; see session::status().
struct line_changed {
  line_key line{};
  line_state before{};
  line_state now{};
  bool endpoint_moved = false;
};

enum class auth_failure : std::uint8_t { unknown_line, wrong_password, disabled, source_refused };
std::string_view to_string(auth_failure f) noexcept;

// Somebody spoke for a line without the right to. Reported within the source's failure rate only.
struct authentication_failed {
  auth_failure why{};
  std::string id{};
  endpoint source{};
};

// A keepalive came from elsewhere while the line's endpoint was alive: answered, but commands still go to the old one.
struct endpoint_held {
  line_key line{};
  endpoint claimed{};
};

struct sms_received {
  line_key line{};
  ack_token token{};
  notification_identity identity{};
  std::string source{};  // octets as received; may be empty
  std::string smsc{};
  std::string text{};    // octets as received, see clean_text()
};

struct report_received {
  line_key line{};
  ack_token token{};
  notification_identity identity{};
  std::int64_t sms_no = 0;
  std::int64_t status = 0;  // TP-Status
  delivery_state state{};
  std::string destination{};             // empty with older firmware
  std::optional<std::uint64_t> cookie{};  // of the SMS, when this session sent it within report_window
};

struct ussd_received {
  line_key line{};
  ack_token token{};
  notification_identity identity{};
  std::string text{};
};

enum class call_phase : std::uint8_t { started, ended, measured };
struct call_event {
  line_key line{};
  ack_token token{};
  notification_identity identity{};
  call_phase phase{};
  std::optional<bool> inbound{};           // with started
  std::string remote{};                    // with started and ended
  std::string cause{};                     // with ended
  std::optional<std::int64_t> length{};    // with measured
};

// A notification that is answered already: STATE, REMAIN, CELLS and the like, and verbs nobody here knows.
struct notification_received {
  line_key line{};
  std::string verb{};
  std::string value{};  // of its one member; of other verbs all fields as they came, without credentials
};

enum class sms_outcome : std::uint8_t {
  sent,     // the network has taken it
  failed,   // it was not sent: `status` or `reason` say why, `kind` whether another try makes sense
  unknown,  // the device was told to send and never said what became of it. Sending again may send twice.
  expired,  // waited in our queue for too long, was not sent
};
std::string_view to_string(sms_outcome o) noexcept;

// Exactly one for every send_sms() that was accepted.
struct sms_done {
  line_key line{};
  std::uint64_t cookie = 0;
  sms_outcome outcome{};
  std::optional<std::uint32_t> sms_no{};  // with sent: what a delivery report will refer to
  std::optional<std::int64_t> status{};   // errorstatus of the device
  failure_class kind = failure_class::temporary;
  std::error_code reason{};               // empty with sent
  std::string words{};                    // of the device, if any
};

// Exactly one for every send_ussd() that was accepted. Without an error `text` is the answer; a menu wants a choice.
struct ussd_done {
  line_key line{};
  std::uint64_t cookie = 0;
  std::error_code error{};  // refused, no_answer, canceled
  bool closed = false;      // the network ended the dialogue
  std::string text{};       // with refused the device's words
};

// Exactly one for every send_command() that was accepted.
struct command_done {
  line_key line{};
  std::uint64_t cookie = 0;
  std::error_code error{};
  std::string verb{};   // of the answer: of a call forward CFOK or CFSTATE
  std::string value{};  // with refused the device's words
};

using event = std::variant<line_changed, authentication_failed, endpoint_held, sms_received, report_received,
                           ussd_received, call_event, notification_received, sms_done, ussd_done, command_done>;

}  // namespace msgkit::goip
