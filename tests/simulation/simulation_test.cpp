// Runs seeds of the simulation:
//   simulation_test [--mail] --seeds N [--from S]   N seeds from S on; a few twice, to see that they replay exactly
//   simulation_test [--mail] --seed N [--trace]     one seed, with --trace everything that happens
// With --mail there are MM4 peers beside SMPP's.
// Exits 1 when a promise was broken. MSGKIT_SIMULATION_SEEDS overrides the number of seeds,
// MSGKIT_MAIL_SIMULATION_SEEDS that with --mail.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "world.hpp"

using namespace msgkit::simulation;

namespace {

constexpr std::uint64_t replay_every = 50;

bool with_mail = false;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

bool report(std::uint64_t seed, const run_result& r) {
  for (const auto& each : r.failures) fmt::print("{}\n", each);
  if (!r.failures.empty()) fmt::print("replay with: simulation_test {}--seed {} --trace\n", with_mail ? "--mail " : "", seed);
  return r.failures.empty();
}

bool run_one(std::uint64_t seed, bool trace) {
  const auto r = run_seed({.seed = seed, .trace = trace, .with_mail = with_mail});
  fmt::print("seed {}: {} lines, hash {:016x}, {:.0f} s simulated\n", seed, r.lines, r.hash,
             std::chrono::duration<double>(r.simulated).count());
  return report(seed, r);
}

bool run_many(std::uint64_t from, std::uint64_t count) {
  const auto started = cpu_seconds();
  std::uint64_t failed = 0, lines = 0, excused = 0;
  double simulated = 0;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const auto r = run_seed({.seed = seed, .with_mail = with_mail});
    bool good = report(seed, r);
    if (seed % replay_every == 0 && run_seed({.seed = seed, .with_mail = with_mail}).hash != r.hash) {
      fmt::print("seed {} did not replay exactly\n", seed);
      good = false;
    }
    failed += good ? 0 : 1;
    lines += r.lines;
    excused += r.excused;
    simulated += std::chrono::duration<double>(r.simulated).count();
  }
  fmt::print("{} seeds, {} failed, {} lines, {} answers forgotten in crashes, {:.1f} h simulated, {:.1f} s of processor time\n",
             count, failed, lines, excused, simulated / 3600, cpu_seconds() - started);
  return failed == 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 0, from = 1, seeds = 0;
  bool trace = false, one = false;
  for (int i = 1; i < argc; ++i) {
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (std::strcmp(argv[i], "--seed") == 0) seed = number(), one = true;
    else if (std::strcmp(argv[i], "--seeds") == 0) seeds = number();
    else if (std::strcmp(argv[i], "--from") == 0) from = number();
    else if (std::strcmp(argv[i], "--trace") == 0) trace = true;
    else if (std::strcmp(argv[i], "--mail") == 0) with_mail = true;
    else return fmt::print(stderr, "usage: simulation_test [--mail] --seeds N [--from S] | --seed N [--trace]\n"), 2;
  }
  if (one) return run_one(seed, trace) ? 0 : 1;
  if (const char* text = std::getenv(with_mail ? "MSGKIT_MAIL_SIMULATION_SEEDS" : "MSGKIT_SIMULATION_SEEDS")) seeds = std::strtoull(text, nullptr, 10);
  return seeds > 0 && run_many(from, seeds) ? 0 : 1;
}
