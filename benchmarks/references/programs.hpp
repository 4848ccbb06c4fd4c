// Programs of ours and of others that a benchmark starts, and ends by pid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::bench {

// Runs until this object ends: SIGTERM first, SIGKILL after 10 s.
class program {
 public:
  // `command[0]` is a path. Output goes to the end of `log`.
  program(const std::vector<std::string>& command, const std::filesystem::path& log);
  ~program();
  program(const program&) = delete;
  program& operator=(const program&) = delete;
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // Of all its threads so far, from /proc.
  [[nodiscard]] double cpu_seconds() const;
  // Octets, from /proc.
  [[nodiscard]] std::size_t resident_bytes() const;

 private:
  pid_t pid_ = 0;
};

// One of our programs in the build tree this benchmark belongs to.
std::filesystem::path program_path(const std::string& name);
// A file of the source tree.
std::filesystem::path source_path(const std::string& relative);
std::uint16_t free_port();
// Throws std::runtime_error when nothing listens on loopback within 10 s.
void wait_for_port(std::uint16_t port);
// Standard output of a shell command.
std::string output_of(const std::string& command);
// The number behind the first `key` in `text`. Throws std::runtime_error without one.
double number_after(const std::string& text, std::string_view key);
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace msgkit::bench
