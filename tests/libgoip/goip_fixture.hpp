// A session with the lines g1 (password pw) and g2 (pw2), and time that moves by hand.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "msgkit/goip/limits.hpp"
#include "msgkit/goip/session.hpp"

namespace msgkit::goip::test {

using namespace std::chrono_literals;

inline const endpoint home = endpoint::ipv4(127, 0, 0, 1, 10991);
inline const endpoint elsewhere = endpoint::ipv4(127, 0, 0, 1, 20'000);
inline const endpoint far_away = endpoint::ipv4(192, 0, 2, 9, 10991);

struct goip_fixture : ::testing::Test {
  explicit goip_fixture(session_options o = {}) : s(o, 7) {
    g1 = *s.add_line({.id = "g1", .password = "pw"});
    g2 = *s.add_line({.id = "g2", .password = "pw2"});
  }

  // Hands one datagram in and returns what leaves, one text for each datagram.
  std::vector<std::string> say(std::string_view datagram, const endpoint& from = home) {
    s.feed(from, as_bytes(datagram), now);
    return taken();
  }
  std::vector<std::string> taken() {
    std::vector<std::string> out;
    for (const auto& each : s.output()) {
      out.emplace_back(as_text(each.octets));
      last_destination = each.to;
    }
    s.clear_output();
    return out;
  }
  std::vector<std::string> wait(duration d) {
    now += d;
    s.on_time(now);
    return taken();
  }
  void keepalive(std::string_view id = "g1", std::string_view password = "pw", const endpoint& from = home) {
    say("req:" + std::to_string(++count) + ";id:" + std::string(id) + ";pass:" + std::string(password) +
            ";num:+37250001;signal:25;gsm_status:LOGIN;",
        from);
  }
  void clear_events() {
    while (s.next_event()) {
    }
  }
  // The next event of this kind; what comes before it is dropped.
  template <class Event>
  std::optional<Event> next() {
    while (auto e = s.next_event())
      if (auto* it = std::get_if<Event>(&*e)) return std::move(*it);
    return std::nullopt;
  }
  template <class Event>
  std::size_t count_of() {
    std::size_t n = 0;
    while (auto e = s.next_event()) n += std::holds_alternative<Event>(*e) ? 1 : 0;
    return n;
  }

  session s;
  line_key g1{}, g2{};
  time_point now = time_point{} + 1h;
  endpoint last_destination{};
  int count = 0;
};

using texts = std::vector<std::string>;

// The longest datagram that begins like this.
inline std::string datagram_bytes_max_text(std::string begin) {
  begin.resize(datagram_bytes_max, 'x');
  return begin;
}

}  // namespace msgkit::goip::test
