// The notifications of one line that were handed out lately, so that repetitions are answered and not handed out again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/time.hpp"
#include "msgkit/goip/endpoint.hpp"

namespace msgkit::goip {

struct inbound_entry {
  std::string head{};             // "RECEIVE 5": how the answer begins
  std::uint64_t fingerprint = 0;  // the device's numbers come again after a restart of its own
  std::uint64_t serial = 0;
  time_point at{};
  endpoint from{};                // where the latest repetition came from
  bool open = true;
  std::string answer{};           // "OK" or "ERROR ..." once it is not open
};

class inbound_memory {
 public:
  // Null when there is none.
  inbound_entry* find(std::string_view verb, std::string_view number, std::uint64_t fingerprint) noexcept;
  inbound_entry* find(std::uint64_t serial) noexcept;
  // Makes room by forgetting what is older than `window`, then the oldest answered one. Null when all `entries_max`
  // places are open.
  inbound_entry* add(inbound_entry e, std::size_t entries_max, duration window);
  void remove(const inbound_entry& e);
  [[nodiscard]] std::size_t open_count() const noexcept;

 private:
  std::vector<inbound_entry> entries_;  // oldest first
};

}  // namespace msgkit::goip
