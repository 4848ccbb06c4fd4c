// Messages on their way to peers, each in the parts that its peer takes: which are on the wire, which were accepted,
// which still wait for room. One table serves all connections of a connector, each of which has a lane of its own.
// Belongs to the connector's executor.
#pragma once

#include <cstdint>
#include <deque>
#include <system_error>
#include <vector>

#include "connectors/slab.hpp"
#include "connectors/sms_conversion.hpp"
#include "msgkit/smpp/net/connection.hpp"

namespace msgkit::app {

struct attempt {
  engine::send order{};
  wire_parts parts{};
  std::vector<engine::segment_result> results{};  // by part
  std::uint16_t next_part = 0;                    // to be put on the wire
  std::uint16_t open = 0;                         // on the wire, unanswered
  std::error_code error{};                        // the first failure; parts that have not left by then stay
};

// What the engine is to know. `complete` is the outcome when every part was accepted.
engine::attempt_result result_of(const attempt& a, engine::attempt_outcome complete);

class attempt_table {
 public:
  using lane = std::deque<std::uint64_t>;  // attempts with parts still to send, in order

  // Parts that an earlier attempt got through are not sent again.
  void begin(lane& l, engine::send order, wire_parts parts);

  // Sends parts while may_go() says so, which is asked once for each. transmit(attempt&, part index, cookie) returns a
  // result whose error ends the attempt. done(const attempt&) is called for attempts that have ended.
  template <class MayGo, class Transmit, class Done>
  void pump(lane& l, MayGo&& may_go, Transmit&& transmit, Done&& done) {
    while (!l.empty()) {
      const auto number = l.front();
      auto* a = attempts_.find(number);
      if (a == nullptr || a->error || a->next_part >= a->results.size()) {
        l.pop_front();
        if (a != nullptr && a->open == 0) finish(number, done);
      } else if (a->results[a->next_part].accepted) {
        ++a->next_part;
      } else {
        if (!may_go()) return;
        if (const auto sent = transmit(*a, std::size_t{a->next_part}, number << part_bits | a->next_part)) {
          ++a->open;
          ++a->next_part;
        } else {
          a->error = sent.error().code;
        }
      }
    }
  }

  // The outcome of one part. False when it belongs to no attempt.
  template <class Done>
  bool part_done(const smpp::outcome& o, Done&& done) {
    const auto number = o.cookie >> part_bits;
    if (!take_outcome(number, o)) return false;
    const auto* a = attempts_.find(number);
    if (a->open == 0 && (a->error || a->next_part >= a->results.size())) finish(number, done);
    return true;
  }

  // The connection is leaving or gone: what has nothing on the wire ends here.
  template <class Done>
  void abandon(lane& l, Done&& done) {
    for (const auto number : std::exchange(l, {}))
      if (const auto* a = attempts_.find(number); a != nullptr && a->open == 0) finish(number, done);
  }

 private:
  static constexpr std::uint64_t part_bits = 8;  // engine::segments_max is 255
  bool take_outcome(std::uint64_t number, const smpp::outcome& o);
  template <class Done>
  void finish(std::uint64_t number, Done&& done) {
    const auto ended = attempts_.take(number);
    done(*ended);
  }

  slab<attempt> attempts_;
};

}  // namespace msgkit::app
