// smppc listen: binds, acknowledges and prints whatever arrives.
#pragma once

#include "smppc/target.hpp"

namespace msgkit::app {

struct listen_options {
  target_options target{};
  std::uint64_t count = 0;      // stop after so many messages and receipts; 0: until interrupted
  double seconds = 0;           // stop after so long; 0: until interrupted
  bool reconnect = true;
};

// One JSON object per message on standard output. Exit code: 0, or 1 when never bound or, with count, too few came;
// 2 usage.
int run_listen(listen_options& o);

}  // namespace msgkit::app
