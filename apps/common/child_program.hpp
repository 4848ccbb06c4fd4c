// A program of somebody else's, run to its end within bounds: for work on hostile input that does not belong into our
// own address space. No shell and no environment but what is given; it has no descriptor of ours but those named, a
// process group of its own, none of our blocked signals, and it dies with us. Where the system lets us it has no
// network either.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app {

// A file without a name: it is in memory, and gone with its last descriptor, whatever becomes of us.
class memory_file {
 public:
  // Nothing when the system has none to give.
  static std::optional<memory_file> make(std::string_view content = {});
  memory_file(memory_file&& other) noexcept;
  memory_file& operator=(memory_file&&) = delete;
  ~memory_file();

  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  [[nodiscard]] std::size_t size() const;
  // From the beginning, at most `octets_max`.
  [[nodiscard]] std::string read(std::size_t octets_max) const;
  void clear();

 private:
  explicit memory_file(int fd) : fd_(fd) {}
  int fd_;
};

struct program_order {
  std::string path{};  // absolute
  std::vector<std::string> arguments{};
  std::vector<std::string> environment{};  // "NAME=value"
  std::vector<int> descriptors{};          // the program has them as 3, 4, ..., at most 8
};

struct program_limits {
  std::chrono::milliseconds timeout{30'000};              // by the clock and, rounded up, of processor time
  std::size_t memory_octets_max = 1'024 * 1'024 * 1'024;  // of addresses
  std::size_t file_octets_max = 16 * 1'024 * 1'024;       // of each file it writes
};

struct program_end {
  enum class how : std::uint8_t { exited, killed, timed_out, canceled, not_started } is = how::not_started;
  int code = 0;         // exit status, or the signal
  std::string words{};  // the first line of what it said on standard error, at most 200 octets of printable ASCII

  [[nodiscard]] bool is_good() const noexcept { return is == how::exited && code == 0; }
};

// Blocks. Whatever is left of its process group is killed before this returns. Ends as `canceled` once `cancel`, a
// descriptor, is readable; -1 for none. Thread-safe.
program_end run_program(const program_order& order, const program_limits& limits, int cancel = -1);

// The absolute path of a program by name, as PATH of this process has it, or the path itself; empty when there is none
// that may be run.
std::string find_program(std::string_view name);

}  // namespace msgkit::app
