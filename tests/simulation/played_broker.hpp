// An MQTT 5 broker for one client with a lasting session: what it is given it sends at QoS 1 and 2 until the client has
// acknowledged it, and it keeps what the client publishes.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "msgkit/bridge/mqtt/codec.hpp"

namespace msgkit::simulation {

class played_broker {
 public:
  std::function<void(bytes_view)> send;                     // to the client
  std::function<void(const std::string&)> on_acknowledged;  // payload, with PUBACK or PUBREC
  std::map<std::string, std::size_t> received{};            // payloads and how often; repetitions of a packet count

  void give(std::string payload);
  void receive(bytes_view octets);
  void disconnected();
  [[nodiscard]] bool is_idle() const noexcept { return queue_.empty() && open_.empty(); }

 private:
  struct outgoing {
    std::string payload{};
    bool exactly_once = false;
    bool is_received = false;  // PUBREC came
  };
  void handle(const bridge::mqtt::frame& f);
  void send_publish(std::uint16_t id, const outgoing& m, bool dup);
  void pump();
  template <class Packet>
  void put(const Packet& p) {
    byte_vector out;
    if (bridge::mqtt::encode(p, bridge::mqtt::version::v5, out)) send(out);
  }

  static constexpr std::size_t window = 50;
  byte_vector input_;
  bool is_online_ = false;
  bool has_session_ = false;
  std::deque<std::string> queue_;
  std::map<std::uint16_t, outgoing> open_;
  std::uint16_t next_id_ = 0;
};

}  // namespace msgkit::simulation
