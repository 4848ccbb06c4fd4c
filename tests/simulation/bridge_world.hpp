// One run of one seed of the MQTT-Redis relay: a broker and a Redis server are played, on virtual time and a network
// that delays, splits, cuts and falls silent, while both servers restart and the bridge dies. Then everything works
// until all has come to rest. What the servers hold is compared with what was given to them, and no acknowledgement may
// ever leave before the other side has the message.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace msgkit::simulation {

struct bridge_run_options {
  std::uint64_t seed = 1;
  std::size_t messages = 300;  // each way
  // For the self test: a Redis that sometimes answers XADD and keeps nothing.
  bool redis_loses = false;
};

struct bridge_run_result {
  std::vector<std::string> failures{};  // empty: every promise was kept
  std::size_t up = 0, down = 0;         // that arrived, repetitions included
  std::size_t doubled = 0;
  std::size_t cuts = 0, silences = 0, restarts = 0, crashes = 0;
};

bridge_run_result run_bridge_seed(const bridge_run_options& options);

}  // namespace msgkit::simulation
