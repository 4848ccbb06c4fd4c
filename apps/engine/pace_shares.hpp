// How much of an account's pace each of several gateways may use: it is divided among those that have traffic of the
// account. A gateway says that it has when the first message comes and for ten seconds after the last one; the others
// hear of it with the commit, or within a second when that word was lost.
//
// Bound: while nothing changes, all together take the pace and no more. Until a gateway that begins has been heard of
// by the others, it takes its new share beside their old ones: one more share, for a second at most. N that begin in
// the same moment, not having heard of each other, take N times the pace for that long.
//
// Thread-safe. No clock of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store.hpp"

namespace msgkit::engine {

class pace_shares {
 public:
  // Of one that has been quiet for so long the others take the share.
  static constexpr std::chrono::seconds quiet_after{10};

  // What of the pace is ours, over 0 and at most 1. Traffic is here now.
  double take(std::string_view account, wall_time now);

  // What the others have to be told since the last time. Clocks that step back tell nothing.
  std::vector<presence> changed(wall_time now);
  // Everything is to be told anew: nobody knows us any more.
  void forget_told();
  // Takes what is about pace out of what the store knows of others; it stands there among the endpoints.
  void hear(neighbourhood& around);

 private:
  struct here {
    wall_time at{};
    bool told = false;
  };
  std::mutex mutex_;
  std::map<std::string, here, std::less<>> here_;
  std::map<std::string, std::size_t, std::less<>> others_;
};

}  // namespace msgkit::engine
