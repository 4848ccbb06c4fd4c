// One run of one seed: clients, gateway and carriers on a virtual network, trouble for a while, then quiet until
// everything has come to rest, then judgement.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "esme.hpp"
#include "gateway.hpp"
#include "mail_peer.hpp"
#include "message_centre.hpp"

namespace msgkit::simulation {

struct run_options {
  std::uint64_t seed = 1;
  bool trace = false;
  double load = 1;
  bool with_mail = false;  // MM4 peers
  mutation mistake{};
};

struct run_result {
  std::vector<std::string> failures;  // empty: every promise was kept
  std::uint64_t hash = 0;             // of everything that happened
  std::uint64_t lines = 0;
  duration simulated{};
  std::size_t excused = 0;            // answers the gateway forgot in crashes
};

run_result run_seed(const run_options& options);

}  // namespace msgkit::simulation
