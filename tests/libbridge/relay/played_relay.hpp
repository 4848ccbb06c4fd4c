// A relay whose broker and Redis are played by hand.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "msgkit/bridge/relay/relay.hpp"

namespace msgkit::bridge {

using namespace std::chrono_literals;
inline const time_point start = time_point{} + 1h;
inline const wall_time wall{std::chrono::milliseconds{1'700'000'000'000}};

// A relay of one rule, "a/{x}" to stream or channel "s:{x}", whose broker and Redis are played by hand.
struct played {
  explicit played(endpoint to = endpoint::stream, relay_options o = {}, rule_config c = {})
      : r(rules(to, std::move(c)), std::move(o)) {
    r.connected(link::mqtt, start, wall);
    give(mqtt::connack{});
    const std::uint8_t granted = 1;
    give(mqtt::suback{.packet_id = 1, .reasons = {&granted, 1}});
    connect_redis();
    (void)commands();
    r.clear_output(link::mqtt);
  }
  static rule_set rules(endpoint to, rule_config c) {
    c.name = "one";
    c.source = "a/{x}";
    c.to = to;
    c.target = "s:{x}";
    std::vector<rule_error> errors;
    return rule_set::make(std::vector{c}, errors);
  }
  [[nodiscard]] std::size_t window() const { return relay_options{}.mqtt.receive_maximum; }
  void connect_redis() {
    r.connected(link::writer, start, wall);
    (void)commands();
    reply("%0\r\n");
  }
  template <class Packet>
  void give(const Packet& p) {
    byte_vector octets;
    ASSERT_TRUE(mqtt::encode(p, mqtt::version::v5, octets));
    r.feed(link::mqtt, octets, start, wall);
  }
  void message(std::uint16_t id, std::string_view topic = "a/1", std::string_view mark = {}) {
    mqtt::property_builder p;
    if (!mark.empty()) p.user("x-bridge", mark);
    const auto q = id == 0 ? mqtt::qos::at_most_once : mqtt::qos::at_least_once;
    give(mqtt::publish{.qos = q, .topic = topic, .packet_id = id, .properties = p.list(), .payload = as_bytes("x")});
  }
  void reply(std::string_view octets) { r.feed(link::writer, as_bytes(octets), start, wall); }
  // How many commands left, by name.
  std::size_t commands(std::string_view name = {}) {
    const std::string all(as_text(r.output(link::writer)));
    r.clear_output(link::writer);
    std::size_t count = 0;
    for (auto at = all.find(name); !name.empty() && at != std::string::npos; at = all.find(name, at + 1)) ++count;
    return count;
  }
  std::size_t pubacks() {
    const auto out = r.output(link::mqtt);
    const auto count = static_cast<std::size_t>(std::ranges::count(out, 0x40));
    r.clear_output(link::mqtt);
    return count;
  }
  relay r;
};

}  // namespace msgkit::bridge
