// Two sessions wired to each other in memory, with time moved by hand.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/session.hpp"

namespace msgkit::smpp::test {

using namespace std::chrono_literals;

// What the caller of a session would keep of an event: the views do not outlive it.
struct seen {
  event_kind kind{};
  command_id id{};
  command_status status{};
  std::uint32_t sequence = 0;
  std::uint64_t cookie = 0;
  std::error_code reason{};
  std::string text{};  // short_message or message_id
};

inline seen note(const event& e) {
  seen s{.kind = e.kind, .sequence = e.sequence, .cookie = e.cookie, .reason = e.reason};
  if (e.pdu == nullptr) return s;
  s.id = e.pdu->head.id;
  s.status = e.pdu->head.status;
  std::visit(
      [&s](const auto& m) {
        if constexpr (requires { m.short_message; }) s.text = m.short_message;
        else if constexpr (requires { m.message_id; }) s.text = m.message_id;
      },
      static_cast<const pdu_variant&>(*e.pdu));
  return s;
}

inline std::vector<seen> drain(session& s) {
  std::vector<seen> all;
  while (const auto e = s.next_event()) all.push_back(note(*e));
  return all;
}

inline std::vector<seen> feed(session& s, bytes_view octets, time_point now) {
  s.feed(octets, now);
  return drain(s);
}

// The PDUs in `octets`, as headers.
inline std::vector<header> headers(bytes_view octets) {
  std::vector<header> all;
  while (octets.size() >= header_bytes) {
    all.push_back(read_header(octets));
    octets = octets.subspan(all.back().command_length);
  }
  return all;
}

struct pair {
  time_point now = time_point{} + 1h;
  session esme;
  session mc;

  explicit pair(session_options e = {}, session_options m = {})
      : esme((e.role = role::esme, e), now), mc((m.role = role::mc, m), now) {}

  std::vector<seen> to_mc() {
    const auto octets = esme.take_output();
    return feed(mc, octets, now);
  }
  std::vector<seen> to_esme() {
    const auto octets = mc.take_output();
    return feed(esme, octets, now);
  }
  void bind(bind_mode mode = bind_mode::transceiver) {
    ASSERT_TRUE(esme.bind(mode, {.system_id = "esme", .password = "secret"}, now));
    ASSERT_EQ(to_mc().at(0).kind, event_kind::bind_requested);
    ASSERT_TRUE(mc.accept_bind("mc", now));
    ASSERT_EQ(drain(mc).at(0).kind, event_kind::bound);
    ASSERT_EQ(to_esme().at(0).kind, event_kind::bound);
  }
};

}  // namespace msgkit::smpp::test
