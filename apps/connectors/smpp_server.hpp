// The SMPP way in: clients bind, their messages go to the engine, the engine's receipts and messages go to them.
//
// A submit is answered when the engine has it in the store. Everything runs on one executor; the engine calls
// on_actions() from its own thread, which only passes the batch on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/client_requests.hpp"
#include "msgkit/core/net/ip_ranges.hpp"
#include "msgkit/smpp/net/server.hpp"

namespace msgkit::app {

// Who may bind. Several system_ids may share one account name and then share its queue.
struct smpp_account {
  std::string system_id{};
  std::string password{};          // clear or hashed, see credential_check
  std::string name{};              // the endpoint is "client:<name>"
  std::size_t binds_max = 10;
  bool allow_transmitter = true;
  bool allow_receiver = true;      // a transceiver needs both
  std::size_t deliver_window = 100;  // messages on the way to one bind
  double segments_per_second = 0;    // messages taken from all its binds together; 0: no limit
  client_permissions permissions{};
  ip_ranges allowed_addresses{};     // empty: from everywhere
  std::optional<std::set<std::string, std::less<>>> senders{};  // what it may send from, without '+'; none: anything
  sms_profile profile{.long_messages = smpp::long_message_method::payload};
};

// `busy`: too many checks are waiting; the client may try again.
enum class credential_answer { good, bad, busy };
// Decides whether `given` is the secret behind `stored`; calls `done` once, from any thread.
using credential_check =
    std::function<void(const std::string& stored, std::string given, std::function<void(credential_answer)> done)>;

struct smpp_server_options {
  smpp::server_options server{};
  std::string system_id = "msgkit";  // ours, in bind responses
  std::vector<smpp_account> accounts{};
  message_id_style ids = message_id_style::uuid;
  // What of an account's pace is this process's, over 0 and at most 1; "client:<name>" is asked about for each message.
  std::function<double(std::string_view account)> pace_share{};  // null: all of it
  // For simulators: decides about a request before anything else looks at it. Null: nothing special.
  std::function<scripted_answer(const smpp_account&, const smpp::pdu&)> script{};
};

// What operators and metrics want to know. Called on the connector's executor.
struct smpp_server_observer {
  virtual ~smpp_server_observer() = default;
  virtual void on_connected(const peer_address&) {}
  virtual void on_bound(const smpp_account&, const peer_address&, smpp::bind_mode) {}
  virtual void on_bind_refused(std::string_view /*system_id*/, const peer_address&, smpp::command_status) {}
  virtual void on_unbound(const smpp_account&, const peer_address&, std::error_code) {}
  virtual void on_closed(const peer_address&, std::error_code) {}  // a connection that never bound
  virtual void on_ended(const smpp::session_counters&) {}  // what any connection had counted, when it ends
  virtual void on_refused(refusal, const peer_address&) {}
  virtual void on_submit(const smpp_account&, smpp::command_status) {}   // the answer we gave
  virtual void on_taken(const smpp_account&, engine::message_id, const engine::message_content&) {}  // stored
  virtual void on_deliver(const smpp_account&, const engine::message_content&, std::error_code) {}   // the answer we got
};

class smpp_server {
 public:
  smpp_server(asio::any_io_executor executor, engine::inbox& e, smpp_server_options options, credential_check check,
              std::shared_ptr<smpp_server_observer> observer);
  ~smpp_server();
  smpp_server(const smpp_server&) = delete;
  smpp_server& operator=(const smpp_server&) = delete;

  // Errors: what the system says about the listening address.
  std::error_code listen();
  [[nodiscard]] std::uint16_t port() const noexcept;
  // As smpp::server::adopt().
  void adopt(std::shared_ptr<stream> transport);

  // The methods below may be called from any thread.
  // Accounts may change at any time; binds of accounts that are gone or disabled are unbound.
  void set_accounts(std::vector<smpp_account> accounts);
  // No new connections and no new messages from clients; answers under way are still sent.
  void drain();
  // Unbinds everybody; `done` runs on the executor when the last connection is closed.
  void stop(std::function<void()> done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
