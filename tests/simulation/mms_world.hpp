// One run of one seed of the MMS gateway: two of them send each other messages over MM4 and MM7, on a virtual network
// and with stores that outlive them, while connections break, commits fail and processes die. Then everything works
// until it has come to rest, and what each store holds is compared with what was promised.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace msgkit::simulation {

struct mms_run_options {
  std::uint64_t seed = 1;
  std::size_t messages = 40;
  // For the self test: a gateway that forgets what came in before takes repetitions for new messages.
  bool forgets_what_came_before = false;
};

struct mms_run_result {
  std::vector<std::string> failures{};  // empty: every promise was kept
  std::size_t sent = 0;                 // recipients of messages that were acknowledged to the application
  std::size_t repeated = 0;             // attempts beyond the first
  std::size_t crashes = 0, failed_commits = 0;
};

mms_run_result run_mms_seed(const mms_run_options& options);

}  // namespace msgkit::simulation
