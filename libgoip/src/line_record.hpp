// All that a session knows of one line.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "deadline_heap.hpp"
#include "inbound_memory.hpp"
#include "msgkit/goip/command.hpp"
#include "msgkit/goip/event.hpp"

namespace msgkit::goip {

struct queued_sms {
  std::string destination{};
  std::string text{};
  std::uint64_t cookie = 0;
  time_point queued_at{};
};

enum class sms_phase : std::uint8_t {
  idle,
  opening,   // MSG is out
  password,  // PASSWORD is out
  sending,   // SEND or SMS is out: from here on the SMS may have left
  waiting,   // the device said WAIT
  closing,   // the outcome is known, DONE is out
};

struct sms_conversation {
  sms_phase phase = sms_phase::idle;
  queued_sms message{};
  std::uint32_t send_id = 0;
  send_mode mode{};
  std::size_t tries = 0;     // of the current step
  std::size_t repeats = 0;   // of SEND
  bool restarted = false;
  time_point next_try = never;
  time_point give_up = never;  // from the first SEND
};

struct ussd_conversation {
  bool active = false;
  bool closing = false;  // answered; a repetition of the answer gets another DONE
  bool is_exit = false;
  std::uint32_t send_id = 0;
  std::string code{};
  std::uint64_t cookie = 0;
  time_point repeat_at = never;
  time_point give_up = never;
};

struct command_conversation {
  command what{};
  std::uint32_t send_id = 0;
  std::array<std::string, command_arguments_max> arguments{};
  std::uint64_t cookie = 0;
  std::size_t tries = 1;
  time_point next_try = never;
};

struct sent_sms {
  std::uint32_t sms_no = 0;
  std::uint64_t cookie = 0;
  time_point at{};
};

struct held_report {
  report_received report{};
  time_point until{};
};

// What goes out. Most lines of a large installation are quiet: made when first needed.
struct outbound {
  std::deque<queued_sms> queue;
  sms_conversation sms;
  time_point ready_at{};  // pacing, and rest after a failure
  ussd_conversation ussd;
  std::vector<command_conversation> commands;
  std::deque<sent_sms> sent;  // newest last
};

struct line_record {
  line_key key{};
  line_options options{};
  line_status status{};
  inbound_memory inbound;
  std::vector<held_report> held_reports;
  std::unique_ptr<outbound> out;
  endpoint held_endpoint{};  // the last one that was reported as held

  // of the deadline_heap
  time_point wake_at = never;
  std::size_t heap_place = not_in_heap;

  outbound& outgoing() {
    if (!out) out = std::make_unique<outbound>();
    return *out;
  }
  [[nodiscard]] bool is_reachable() const noexcept {
    return status.endpoint.is_set() && status.state != line_state::dead && status.state != line_state::unknown;
  }
};

}  // namespace msgkit::goip
