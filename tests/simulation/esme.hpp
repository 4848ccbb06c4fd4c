// A client of the gateway: submits its messages over its binds, repeats what had no answer or a temporary one, and
// takes receipts and messages as its manners say.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "journal.hpp"
#include "ledger.hpp"
#include "msgkit/smpp/net/client.hpp"
#include "scenario.hpp"

namespace msgkit::simulation {

class esme : public std::enable_shared_from_this<esme> {
 public:
  esme(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book, client_plan plan);

  void start(test::virtual_network& network);
  // One more message to submit, over whichever bind has room.
  void new_message();
  // One bind unbinds and comes back after `d`; or, in a hurry, before it is gone.
  void leave(duration d);
  void calm_down();
  // Every message has been accepted or refused for good, and every request had its outcome.
  [[nodiscard]] bool is_done() const noexcept { return todo_.empty() && waiting_ == 0 && open_.empty(); }
  [[nodiscard]] const std::string& name() const noexcept { return plan_.name; }
  void stop();

 private:
  struct outgoing {
    std::string reference, text, destination;
    std::uint8_t registered_delivery = 0;
    bool as_payload = false, is_piece = false, short_lived = false;
    std::uint8_t priority = 0;
  };
  struct bind;
  void bound(bind& b);
  void pump();
  bool submit(bind& b, std::size_t index);
  void outcome(const smpp::outcome& o);
  void again(std::size_t index);
  void take(bind& b, const smpp::pdu& m);
  void answer(bind& b, std::uint64_t link, std::uint32_t sequence, const std::string& key);

  test::virtual_loop& loop_;
  test::random_source& random_;
  journal& log_;
  ledger& book_;
  client_plan plan_;
  bool calm_ = false;
  std::vector<std::shared_ptr<bind>> binds_;
  std::vector<outgoing> messages_;
  std::deque<std::size_t> todo_;
  std::map<std::uint64_t, std::size_t> open_;  // requests without an outcome, by cookie
  std::uint64_t last_cookie_ = 0;
  std::size_t waiting_ = 0;  // messages that will be tried again later
};

}  // namespace msgkit::simulation
