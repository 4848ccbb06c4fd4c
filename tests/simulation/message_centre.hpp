// A carrier: answers the gateway's binds and submits as its manners say, reports on what it accepted, and has messages
// of its own for the gateway's clients. Its memory survives its connections.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "journal.hpp"
#include "ledger.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "scenario.hpp"

namespace msgkit::simulation {

class message_centre final : public smpp::server_handler, public std::enable_shared_from_this<message_centre> {
 public:
  message_centre(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book, carrier_plan plan);

  // Begins to serve on `network` under its name.
  void start(test::virtual_network& network);
  // One message for a client of the gateway.
  void send_message(const std::string& destination);
  // From now on it does what it is asked, at once.
  void calm_down();
  // Nothing of its own waits for the gateway any more.
  [[nodiscard]] bool is_done() const noexcept { return outbox_.empty() && planned_ == 0; }
  [[nodiscard]] const std::string& name() const noexcept { return plan_.name; }
  // Drops connections and server, so that nothing keeps anything alive.
  void stop();

  void on_connected(smpp::connection& c) override { connections_.push_back(c.shared_from_this()); }
  void on_bind(smpp::connection& c, const smpp::pdu& bind) override;
  void on_bound(smpp::connection& c) override;
  void on_request(smpp::connection& c, const smpp::pdu& m) override;
  void on_outcome(smpp::connection& c, const smpp::outcome& o) override;
  void on_closed(smpp::connection& c, std::error_code reason) override;

 private:
  // A receipt or a message that the gateway has not acknowledged yet.
  struct parcel {
    std::string what{};     // for the journal
    std::string id{};       // of the submit a receipt is about, lower-case hexadecimal; empty for messages
    std::string reference{};  // of a message
    std::string source{}, destination{}, text{};
    smpp::message_state state{};
    std::uint8_t esm_class = 0, registered_delivery = 0;
    time_point not_before{};
    bool open = false;      // sent, no outcome yet
    bool is_last = true;    // no intermediate report
  };
  void answer(smpp::connection& c, std::uint32_t sequence, const smpp::submit_sm& m);
  void accept(const std::weak_ptr<smpp::connection>& c, std::uint32_t sequence, const smpp::submit_sm& m, bool silent);
  void respond(const std::weak_ptr<smpp::connection>& c, std::uint32_t sequence, smpp::command_status status,
               const std::string& id);
  void plan_receipts(const smpp::submit_sm& m, std::uint64_t number, duration answered_after);
  void post_receipt(duration wait, const std::string& source, const std::string& destination, std::uint64_t number,
                    smpp::message_state state, bool intermediate);
  void pump();
  bool transmit(smpp::connection& c, std::uint64_t number, parcel& p);

  test::virtual_loop& loop_;
  test::random_source& random_;
  journal& log_;
  ledger& book_;
  carrier_plan plan_;
  std::unique_ptr<smpp::server> server_;
  std::vector<std::shared_ptr<smpp::connection>> connections_;
  std::map<std::uint64_t, parcel> outbox_;  // by cookie
  std::uint64_t last_cookie_ = 0, last_id_ = 0, messages_ = 0;
  std::size_t planned_ = 0;
};

}  // namespace msgkit::simulation
