// An order to forget a number, as it is kept beside the messages until it is carried out. Its number goes when it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace msgkit::app {

struct erasure_order {
  std::uint64_t id = 0;  // grows with time
  std::string number{};  // digits; empty when done
  std::string masked{};  // what stands where the number stood
  std::string actor{};
  std::string worker{};                                           // the gateway that works on it
  std::int64_t requested_ms = 0, worked_ms = 0, finished_ms = 0;  // Unix time; 0: not yet
  std::uint64_t messages = 0, media = 0, batch_items = 0;         // erased so far
  std::uint64_t waiting = 0;                                      // still on their way; erased at their end
  [[nodiscard]] bool is_done() const noexcept { return finished_ms != 0; }
};

std::string erasure_key(std::uint64_t id);  // of the fact
std::string erasure_prefix();
std::string to_text(const erasure_order& o);
std::optional<erasure_order> read_erasure_order(std::string_view text);
// As the API shows it: never the number.
std::string erasure_json(const erasure_order& o);

}  // namespace msgkit::app
