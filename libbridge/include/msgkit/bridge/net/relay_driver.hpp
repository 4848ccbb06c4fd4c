// Runs a relay over TCP, TLS or (to MQTT) WebSocket: opens the links it wants, moves octets, reconnects with back-off.
// Not thread-safe: belongs to one executor, whose context one thread runs; every method is to be called there.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "msgkit/bridge/relay/relay.hpp"
#include "msgkit/core/backoff.hpp"
#include "msgkit/core/net/connector.hpp"

namespace msgkit::bridge {

struct relay_driver_options {
  connect_options mqtt{.port = 1883};  // with `tls` for mqtts; reload() of the context serves the next connection
  connect_options redis{.port = 6379};
  // When not empty, each connection to Redis asks these, in turn, for host and port first; `redis.tls` stays in force.
  std::vector<connect_options> sentinels{};
  std::string sentinel_master = "mymaster";
  redis::session_options sentinel_session{};  // user name and password for the sentinels
  std::string mqtt_websocket_path{};          // such as "/mqtt": MQTT over WebSocket, with `mqtt.tls` over a secure one
  backoff_options reconnect{
      .initial = std::chrono::milliseconds{500}, .maximum = std::chrono::milliseconds{30'000}, .jitter = 0.5};
  std::chrono::milliseconds stable_after{30'000};   // a connection that lasted so long starts the back-off anew
  std::uint64_t reconnect_seed = 0;                 // 0: from the address of the driver
  std::size_t output_bytes_max = 16 * 1024 * 1024;  // queued towards a peer that does not read: its link is cut
  // Above 0: after many small reads in quick succession the thread sleeps that long, so that the next read takes what
  // came meanwhile. A broker that writes each message by itself then wakes it less often, and itself costs less. It
  // holds up everything on the executor, so it is for programs whose thread does little else; 10 000 messages a second
  // that come evenly are not in quick succession. At most 1 ms.
  std::chrono::microseconds rest{0};
  // Called when a link comes up or goes down, with why.
  std::function<void(link, bool up, std::string_view why)> on_link{};
};

class relay_driver {
 public:
  relay_driver(asio::any_io_executor executor, rule_set rules, relay_options relay, relay_driver_options options);
  ~relay_driver();
  relay_driver(const relay_driver&) = delete;
  relay_driver& operator=(const relay_driver&) = delete;

  void start();
  // Takes no more messages, finishes the open ones for at most `limit`, says goodbye, closes, calls `done` once.
  void stop(std::chrono::milliseconds limit, std::function<void()> done);
  // As relay::change_rules(); links that nobody needs any more are closed, new ones opened.
  void change_rules(rule_set fresh);
  [[nodiscard]] const bridge::relay& relay() const noexcept;
  // All wanted links are up and subscribed.
  [[nodiscard]] bool is_ready() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::bridge
