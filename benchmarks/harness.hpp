// Runs a subject and its reference in alternation and prints their ratio.
//
// On a shared machine an absolute figure says little; the ratio of two things measured in turns, within one run, says a
// lot. Rules: subject and reference alternate, the first pair is a warm-up and is thrown away, at least five pairs count,
// and the median of their ratios is held against the budget.
//
//   <benchmark> [--json] [--list] [--pairs N] [--seconds S] [filter]     rows whose name contains `filter`
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::bench {

using seconds = std::chrono::duration<double>;

// What a row's unit counts, and so on which side of the budget its ratio has to be.
enum class kind {
  cost,  // ns, octets: the ratio must be at most the budget
  rate,  // messages a second: the ratio must be at least the budget
};

// Runs once for about `length` and returns one figure in the row's unit. May append to `note` what the figure needs to be
// understood, e.g. latency percentiles or rows per commit; the note of the last run is printed.
using measurement = std::function<double(seconds length, std::string& note)>;

struct comparison {
  std::string name{};       // e.g. "submit_sm encode"
  std::string subject{};    // what is measured, e.g. "libsmpp"
  std::string reference{};  // what it is held against, e.g. "hand-written encoder"
  std::string unit{};       // e.g. "ns/PDU"
  kind counts = kind::cost;
  double budget = 1.0;      // limit of subject / reference
  measurement run_subject{};
  measurement run_reference{};
};

// A figure with an absolute limit instead of a reference: its ratio is figure / limit and its budget 1. With a limit of 0
// the ratio is the figure itself and the budget 0.
struct limit {
  std::string name{};
  std::string subject{};
  std::string unit{};
  kind counts = kind::cost;
  double value = 0;
  measurement run_subject{};
};

// One finished row.
struct row {
  std::string name{}, subject{}, reference{}, unit{};
  double subject_median = 0, reference_median = 0;
  double ratio_median = 0, ratio_min = 0, ratio_max = 0;
  double budget = 0;
  kind counts = kind::cost;
  bool ok = false;
  std::string note{};
};

class suite {
 public:
  // Prints usage and ends the process on a bad command line.
  suite(int argc, char** argv);

  void add(comparison c);
  void add(limit l);

  // Runs what was added, printing each row as it is finished. Returns main()'s exit status: 0 also when a budget is
  // missed (the row says so), 1 when a measurement threw or no row matched the filter.
  int run();

 private:
  row measure(const comparison& c) const;

  std::vector<comparison> rows_;
  std::string filter_;
  bool json_ = false;
  bool list_ = false;
  std::size_t pairs_ = 5;
  seconds length_{1.0};
};

std::string to_json(const row& r);
std::string to_text(const row& r);

// Keeps the compiler from removing the computation of `value`.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

// One page-aligned buffer for whatever a codec row encodes into or decodes from, the same for subject and reference. A
// buffer on the stack may share its low address bits with the fields written beside it, and such false conflicts have
// been seen to double the time of a decoder.
std::span<std::uint8_t> codec_buffer() noexcept;

// CPU time of the calling thread, which other jobs of the machine do not disturb.
seconds thread_cpu_time();

// Nanoseconds of the calling thread's CPU time per call of `f`, measured over about `length`.
template <class F>
double nanoseconds_per_call(seconds length, F&& f) {
  constexpr std::size_t batch = 4096;  // long against reading the clock
  const seconds start = thread_cpu_time();
  std::size_t calls = 0;
  seconds used{0};
  while (used < length) {
    for (std::size_t i = 0; i < batch; ++i) f();
    calls += batch;
    used = thread_cpu_time() - start;
  }
  return used.count() * 1e9 / static_cast<double>(calls);
}

}  // namespace msgkit::bench
