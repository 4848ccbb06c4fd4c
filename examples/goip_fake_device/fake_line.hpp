// A GoIP line without a device: what one SIM of a device says and does on its UDP port, as a state machine without socket
// and clock. It keeps to the protocol, repeats what is not acknowledged, sends each SMS at most once however often it is
// told to, and fails when it is asked to fail.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/goip/codec.hpp"

namespace goip_fake {

using msgkit::time_point;
using std::chrono::milliseconds;

struct line_options {
  std::string id{};
  std::string password{};
  std::string msisdn = "+37250001";
  milliseconds keepalive_interval{30'000};
  milliseconds repeat_interval{3'000};  // of notifications without an answer
  std::size_t repeats = 3;
  milliseconds sending_time{2'000};     // of one SMS
  milliseconds session_lifetime{90'000};
  std::size_t sessions_max = 5;
  std::optional<milliseconds> report_after{};  // delivery report for each SMS sent
  std::uint32_t first_sms_no = 1;
  std::int64_t first_number = 1'571'812'793;   // of notifications; devices count down from their clock
};

// What becomes of the SMS to come.
struct fate {
  std::optional<int> error_status{};  // ERROR ... errorstatus:n instead of sending
  bool logged_out = false;            // ERROR ... GSM_LOGOUT
  bool says_wait = true;
  bool answers_msg = true;
  bool tells_outcome = true;          // false: sends it and never says so
};

struct sent_sms {
  std::string destination{};
  std::string text{};
  std::uint32_t sms_no = 0;
};

class fake_line {
 public:
  fake_line(line_options options, time_point now);

  // ---- the line's UDP port
  void feed(msgkit::bytes_view datagram, time_point now);
  std::vector<std::string> take_output() { return std::exchange(output_, {}); }
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);

  // ---- what happens at the device
  void deliver_sms(std::string_view from, std::string_view text, time_point now);
  void deliver_report(std::uint32_t sms_no, int state, std::string_view to, time_point now);
  void push_ussd(std::string_view text, time_point now);
  void call(bool inbound, std::string_view remote, time_point now);  // begins and ends
  void notify(std::string_view verb, std::string_view fields, time_point now);
  void set_gsm(bool is_on_network, time_point now);
  void restart(time_point now);  // counts from 1, forgets sessions
  void say_keepalive(time_point now);
  fate next_fate{};
  std::function<std::string(std::string_view code)> ussd_answer;  // empty text: USSDERROR

  // ---- what has been seen
  [[nodiscard]] const std::vector<sent_sms>& sent() const noexcept { return sent_; }
  [[nodiscard]] bool is_registered() const noexcept { return registered_; }
  [[nodiscard]] std::size_t unacknowledged() const noexcept { return notifications_.size(); }
  // One line for each thing that has happened, for people and scripts.
  std::vector<std::string> take_log() { return std::exchange(log_, {}); }
  [[nodiscard]] const line_options& options() const noexcept { return options_; }

 private:
  struct recipient {
    std::string destination{};
    time_point ready_at{};
    bool is_done = false;
    std::string outcome{};  // the datagram that tells it
    goip_fake::fate fate{};
  };
  struct bulk_session {
    std::string text{};
    time_point opened_at{};
    bool is_authenticated = false;
    bool is_single = false;
    std::map<std::uint32_t, recipient> recipients{};
  };
  struct notification {
    std::string head{};  // "RECEIVE 5"
    std::string datagram{};
    std::size_t repeats_left = 0;
    time_point next_at{};
  };
  struct report {
    time_point at{};
    std::uint32_t sms_no = 0;
    std::string to{};
  };

  void handle(const msgkit::goip::registration_reply& m, time_point now);
  void handle(const msgkit::goip::acknowledgement& m, time_point now);
  void handle(const msgkit::goip::open_session& m, time_point now);
  void handle(const msgkit::goip::session_password& m, time_point now);
  void handle(const msgkit::goip::send_recipient& m, time_point now);
  void handle(const msgkit::goip::single_sms& m, time_point now);
  void handle(const msgkit::goip::session_done& m, time_point now);
  void handle(const msgkit::goip::ussd_request& m, time_point now);
  void handle(const msgkit::goip::ussd_exit_request& m, time_point now);
  void handle(const msgkit::goip::command_request& m, time_point now);
  void say(const msgkit::goip::device_message& m);
  void say_error(std::uint32_t send_id, std::string_view words);
  void take_recipient(std::uint32_t send_id, bulk_session& s, std::uint32_t number, std::string_view to, time_point now);
  void finish(std::uint32_t send_id, bulk_session& s, std::uint32_t number, recipient& r, time_point now);
  void log(std::string_view what, std::string_view words);

  line_options options_;
  std::vector<std::string> output_;
  std::vector<std::string> log_;
  std::vector<sent_sms> sent_;
  std::map<std::uint32_t, bulk_session> sessions_;
  std::map<std::uint32_t, std::string> ussd_answers_;
  std::vector<notification> notifications_;
  std::vector<report> reports_;
  time_point next_keepalive_;
  std::int64_t keepalive_count_ = 0;
  std::int64_t next_number_;
  std::uint32_t next_sms_no_;
  bool registered_ = false;
  bool on_network_ = true;
};

}  // namespace goip_fake
