// A way for datagrams that loses, repeats, delays and so reorders them, by the seed it is given.
#pragma once

#include <chrono>
#include <queue>
#include <string>
#include <vector>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/time.hpp"

namespace goip_fake {

struct link_quality {
  double loss = 0;       // 0..1
  double duplicate = 0;  // 0..1
  std::chrono::milliseconds delay_min{0}, delay_max{0};
};

class lossy_link {
 public:
  lossy_link(link_quality quality, std::uint64_t seed) : quality_(quality), state_(msgkit::mix(seed)) {}

  void set_quality(link_quality quality) noexcept { quality_ = quality; }
  void send(std::string datagram, msgkit::time_point now) {
    if (chance(quality_.loss)) return;
    if (chance(quality_.duplicate)) push(datagram, now);
    push(std::move(datagram), now);
  }
  // What has arrived by now, in the order of arrival.
  std::vector<std::string> take(msgkit::time_point now) {
    std::vector<std::string> out;
    while (!on_the_way_.empty() && on_the_way_.top().at <= now) {
      out.push_back(on_the_way_.top().datagram);
      on_the_way_.pop();
    }
    return out;
  }
  [[nodiscard]] msgkit::time_point next_deadline() const noexcept {
    return on_the_way_.empty() ? msgkit::never : on_the_way_.top().at;
  }

 private:
  struct entry {
    msgkit::time_point at;
    std::uint64_t order;
    std::string datagram;
    friend bool operator<(const entry& a, const entry& b) noexcept {  // the earliest is the greatest
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  std::uint64_t next() noexcept { return msgkit::mix(state_ += 0x9E3779B97F4A7C15u); }
  bool chance(double share) noexcept { return static_cast<double>(next() >> 11) < share * 9007199254740992.0; }
  void push(std::string datagram, msgkit::time_point now) {
    const auto spread = static_cast<std::uint64_t>((quality_.delay_max - quality_.delay_min).count()) + 1;
    const std::chrono::milliseconds delay{quality_.delay_min.count() + static_cast<std::int64_t>(next() % spread)};
    on_the_way_.push({now + delay, order_++, std::move(datagram)});
  }

  link_quality quality_;
  std::uint64_t state_;
  std::uint64_t order_ = 0;
  std::priority_queue<entry> on_the_way_;
};

}  // namespace goip_fake
