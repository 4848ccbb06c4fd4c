// What happens in smppd, for people and programs that want to follow it: JSON lines in a file, webhooks, and code that
// embeds us. Nobody who listens slowly holds up traffic: what does not fit a bounded queue is dropped and counted.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_client.hpp"
#include "common/metrics.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

enum class feed_event : std::uint8_t { connected, disconnected, bound, unbound, submitted, delivered, failed, receipt };
constexpr std::array<std::string_view, 8> feed_event_names{"connected", "disconnected", "bound",  "unbound",
                                                           "submitted", "delivered",    "failed", "receipt"};

// Views are valid during the call. Empty texts are left out of the JSON. No message text.
struct feed_entry {
  feed_event event{};
  wall_time at{};
  std::string_view system_id{}, peer{}, message_id{}, from{}, to{}, state{}, reason{};
};
std::string to_json(const feed_entry& e);

struct feed_file {
  std::string path{};
  std::vector<feed_event> events{};  // empty: all
};
struct feed_webhook {
  std::string url{};
  std::string secret{};              // signs the body, see sign_webhook(); empty: unsigned
  std::vector<feed_event> events{};  // empty: all
  std::size_t queue_max = 10'000;
  std::size_t batch_max = 100;  // events in one request: {"events": [...]}
  std::uint32_t tries_max = 8;  // of a batch, with growing pauses; then it is dropped
  bool allow_private = false;   // loopback and private addresses
};

class event_feed {
 public:
  using listener = std::function<void(const feed_entry&)>;

  // Files are opened at once: throws std::system_error naming the path.
  event_feed(std::vector<feed_file> files, std::vector<feed_webhook> webhooks, metrics& registry);
  // Gives webhooks one more second.
  ~event_feed();
  event_feed(const event_feed&) = delete;
  event_feed& operator=(const event_feed&) = delete;

  // Thread-safe, and so is publishing. A listener is called on the publisher's thread.
  void listen(listener l);
  void publish(const feed_entry& e);
  [[nodiscard]] bool has_readers() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
