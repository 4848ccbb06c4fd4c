// The parts of a session: session.cpp holds lines and output, session_inbound.cpp what devices say, session_sms.cpp the
// sending of SMS, session_dialogue.cpp USSD and commands.
#pragma once

#include <deque>
#include <unordered_map>

#include "datagram_writer.hpp"
#include "line_record.hpp"
#include "msgkit/goip/codec.hpp"
#include "msgkit/goip/session.hpp"
#include "source_limiter.hpp"

namespace msgkit::goip {

enum class conversation_kind : std::uint8_t { sms, ussd, command };

struct session::impl {
  impl(const session_options& o, std::uint64_t seed);

  // ---- lines and output (session.cpp)
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  struct open_conversation {
    line_record* line = nullptr;
    conversation_kind kind{};
  };
  struct pending_datagram {
    endpoint to{};
    std::size_t begin = 0, end = 0;
  };

  [[nodiscard]] line_record* find(line_key key) const noexcept;
  result<line_record*> usable(line_key key, bool must_be_reachable) const;
  std::uint32_t open(line_record& line, conversation_kind kind);
  void close(std::uint32_t send_id) { conversations.erase(send_id); }
  void emit(event e) { events.push_back(std::move(e)); }
  // A report waits in the device; what is not an answer to a call of ours may be left out when nobody listens.
  [[nodiscard]] bool has_room_for_event() const noexcept { return events.size() < options.events_max; }

  template <class Encode>
  void put(const endpoint& to, Encode encode) {
    const auto begin = output.size();
    if (begin >= options.output_bytes_max || !encode(output)) {
      ++counters.output_dropped;
      return;
    }
    pending.push_back({to, begin, output.size()});
    ++counters.datagrams_sent;
  }
  template <class Message>
  void send_words(const line_record& line, const Message& m) {
    put(line.status.endpoint, [&m](byte_vector& out) { return encode_words(m, out).has_value(); });
  }
  void answer(const endpoint& to, std::string_view head, std::string_view words);

  // ---- time
  [[nodiscard]] time_point deadline_of(const line_record& line) const noexcept;
  void rearm(line_record& line) { heap.set(line, deadline_of(line)); }
  void on_time(line_record& line, time_point now);

  // ---- what devices say (session_inbound.cpp)
  void feed(const endpoint& from, bytes_view octets, time_point now, bool truncated);
  struct judgement {
    line_record* line = nullptr;  // null: refused
    bool may_answer = false;      // a refusal may be told to the source
  };
  judgement authenticate(const notification& m, const endpoint& from, time_point now);
  void take_keepalive(const keepalive& m, const endpoint& from, time_point now, std::size_t request_size);
  void register_line(line_record& line, const keepalive& m, const endpoint& from, time_point now);
  void answer_keepalive(const endpoint& to, std::string_view count, std::int64_t status, std::size_t size_max);
  bool accepts_endpoint(const line_record& line, const endpoint& from, std::int64_t count, time_point now) const noexcept;
  template <class T>
  void take_notification(const T& m, const endpoint& from, time_point now);
  void take_report(line_record& line, report_received report, time_point now);
  void find_sms_of(const line_record& line, report_received& report, time_point now) const;
  static bool may_belong_to_open_sms(const line_record& line, const report_received& report) noexcept;
  void release_held_reports(line_record& line, time_point now);
  void set_state(line_record& line, line_state state, bool moved, bool changed);

  // ---- answers of devices; `from` is the line's endpoint
  void take_reply(const device_message& m, std::uint32_t send_id, const endpoint& from, time_point now);
  void reply_to_sms(line_record& line, const device_message& m, time_point now);
  void reply_to_ussd(line_record& line, const device_message& m, time_point now);
  void reply_to_command(line_record& line, const device_message& m, std::uint32_t send_id);

  // ---- sending SMS (session_sms.cpp)
  void start_next_sms(line_record& line, time_point now);
  void open_sms(line_record& line, time_point now);
  void put_step(line_record& line);
  void enter(line_record& line, sms_phase phase, time_point now);
  void take_error(line_record& line, const error_reply& m, time_point now);
  void fail_sms(line_record& line, errc reason, failure_class kind, std::string_view words, time_point now);
  void finish_sms(line_record& line, sms_done done, time_point now);
  void report_sms(sms_done done);
  void end_session(line_record& line, time_point now);
  void give_back(line_record& line, const queued_sms& m, sms_outcome outcome, errc reason);
  void sms_on_time(line_record& line, time_point now);
  [[nodiscard]] time_point sms_deadline(const line_record& line) const noexcept;
  void abort_sms(line_record& line, time_point now);  // what has begun; draining, or the line is going

  // ---- USSD and commands (session_dialogue.cpp)
  void begin_ussd(line_record& line, std::string_view code, bool is_exit, std::uint64_t cookie, time_point now);
  void put_ussd(line_record& line);
  void finish_ussd(line_record& line, ussd_done done);
  void put_command(line_record& line, const command_conversation& c);
  void finish_command(line_record& line, std::size_t index, command_done done);
  void dialogues_on_time(line_record& line, time_point now);
  void abort_dialogues(line_record& line);
  [[nodiscard]] static time_point dialogue_deadline(const outbound& out) noexcept;

  session_options options;
  session_counters counters;
  std::unordered_map<std::string, std::unique_ptr<line_record>, text_hash, std::equal_to<>> lines;
  std::unordered_map<std::uint64_t, line_record*> by_key;
  std::unordered_map<std::uint32_t, open_conversation> conversations;
  deadline_heap<line_record> heap;
  source_limiter failures;
  std::deque<event> events;
  byte_vector output;
  std::vector<pending_datagram> pending;
  std::vector<datagram> views;  // of `pending`, for the caller
  std::uint64_t last_key = 0;
  std::uint64_t last_serial = 0;
  std::uint32_t last_send_id;
  std::size_t active_sms = 0;  // begun and without an outcome
  bool draining = false;
};

}  // namespace msgkit::goip
