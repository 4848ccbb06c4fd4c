// What happened in one simulated run, line by line, and what went wrong. Two runs of a seed write the same octets; the
// hash over them says whether they did.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/virtual_loop.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::simulation {

class journal {
 public:
  // With `trace` every line goes to standard output as well.
  journal(const test::virtual_loop& loop, std::uint64_t seed, bool trace) : loop_(loop), seed_(seed), trace_(trace) {}

  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{:10.3f} ", seconds());
    fmt::format_to(std::back_inserter(line_), format, std::forward<Args>(args)...);
    keep();
  }
  // A broken promise. The run goes on, so that one mistake shows with all it leads to.
  template <class... Args>
  void fail(fmt::format_string<Args...> format, Args&&... args) {
    auto what = fmt::format(format, std::forward<Args>(args)...);
    add("FAILED {}", what);
    if (failures_.size() < failures_max)
      failures_.push_back(fmt::format("seed {} at {:.3f} s: {}", seed_, seconds(), what));
  }

  [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

 private:
  static constexpr std::size_t failures_max = 20;
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(loop_.elapsed()).count(); }
  void keep() {
    ++lines_;
    std::uint64_t line_hash = 14695981039346656037u;  // FNV-1a
    for (const char c : line_) line_hash = (line_hash ^ static_cast<std::uint8_t>(c)) * 1099511628211u;
    hash_ = mix(hash_ ^ line_hash);
    if (trace_) fmt::print("{}\n", std::string_view{line_.data(), line_.size()});
  }

  const test::virtual_loop& loop_;
  std::uint64_t seed_;
  bool trace_;
  fmt::memory_buffer line_;
  std::vector<std::string> failures_;
  std::uint64_t hash_ = 0, lines_ = 0;
};

}  // namespace msgkit::simulation
