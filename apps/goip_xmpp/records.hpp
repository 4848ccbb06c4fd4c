// What the bridge keeps beside the messages, in one SQLite file: lines added from the command line, which lines are
// switched off, the calls, what each line last said, and USSD codes asked for from the command line.
//
// The daemon and the command line have it open at the same time. Not thread-safe; every call may block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "msgkit/goip/event.hpp"

struct sqlite3;

namespace msgkit::app {

struct stored_line {
  std::string extension{};  // what the line is called on the command line
  std::string id{};
  std::string password{};
  std::string number{};  // empty: what the device says
  std::string jid{};     // its user
  std::string allow{};   // pattern of destinations; empty: all
  friend bool operator==(const stored_line&, const stored_line&) = default;
};

struct call_record {
  std::int64_t started = 0;  // seconds since 1970, 0: the beginning was missed
  std::int64_t ended = 0;    // 0: not yet
  std::optional<bool> inbound{};
  std::string remote{}, cause{};
  std::optional<std::int64_t> length{};  // as the device measured it
};

struct state_record {
  std::string line{}, state{}, number{}, gsm_status{}, voip_status{}, voip_state{}, provider{};
  std::int64_t signal = -1;  // -1: unknown
  std::int64_t remain_time = -1;
  std::int64_t updated = 0;  // seconds since 1970
};

struct ussd_job {
  std::uint64_t id = 0;
  std::string line{}, code{};
};
enum class job_state : std::uint8_t { waiting, taken, answered, failed };

class records {
 public:
  // Makes the file, for its owner alone, and the directory. Null when it cannot be; `problem` then has one line.
  static std::unique_ptr<records> open(const std::string& path, std::string& problem);
  ~records();
  records(const records&) = delete;
  records& operator=(const records&) = delete;

  // Grows when another connection has written.
  std::uint64_t version();
  // Writes everything until commit() at once.
  void begin();
  bool commit();

  // False when the file cannot be written, or there is no such line.
  bool put_line(const stored_line& line);
  bool remove_line(const std::string& extension);
  std::vector<stored_line> lines();
  bool set_enabled(const std::string& line_id, bool enabled);
  std::set<std::string> switched_off();

  // A beginning, an end or a length. Repetitions change nothing.
  bool add_call(const std::string& line, const goip::call_event& e, std::int64_t now);
  bool add_call(const std::string& line, const call_record& c);
  // The latest first.
  std::vector<call_record> calls(const std::string& line, std::size_t limit);
  bool purge_calls(std::int64_t before);

  bool put_state(const state_record& s);
  std::vector<state_record> states();

  // 0 when the file cannot be written.
  std::uint64_t add_job(const std::string& line, const std::string& code);
  // Each is handed out once.
  std::vector<ussd_job> take_jobs();
  bool finish_job(std::uint64_t id, bool failed, const std::string& answer);
  job_state job(std::uint64_t id, std::string& answer);
  void drop_job(std::uint64_t id);

 private:
  explicit records(sqlite3* db) : db_(db) {}
  sqlite3* db_;
};

// A file that root made in the service's directory must be the service's. Nothing happens otherwise.
void hand_over(const std::string& path);

}  // namespace msgkit::app
