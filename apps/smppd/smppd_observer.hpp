// What sessions do, for metrics, the event feed, the record file and GET /sessions.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>

#include "common/metrics.hpp"
#include "connectors/smpp_server.hpp"
#include "smppd/event_feed.hpp"

namespace msgkit::app {

class smppd_observer final : public smpp_server_observer {
 public:
  smppd_observer(metrics& registry, event_feed& feed, message_id_style ids);
  ~smppd_observer() override;

  // One JSON line per message from now on. Errors: of the file.
  std::error_code record_to(const std::string& path);
  // A message of the simulated network reached its end; called like the others.
  void on_network_end(const engine::message_content& c, engine::message_id id, engine::message_state state);
  // [{"system_id","peer","mode","since"}]. Thread-safe.
  [[nodiscard]] std::string sessions_json() const;

  void on_connected(const peer_address& peer) override;
  void on_bound(const smpp_account& a, const peer_address& peer, smpp::bind_mode mode) override;
  void on_bind_refused(std::string_view system_id, const peer_address& peer, smpp::command_status status) override;
  void on_unbound(const smpp_account& a, const peer_address& peer, std::error_code reason) override;
  void on_closed(const peer_address& peer, std::error_code reason) override;
  void on_refused(refusal why, const peer_address& peer) override;
  void on_submit(const smpp_account& a, smpp::command_status status) override;
  void on_taken(const smpp_account& a, engine::message_id id, const engine::message_content& c) override;
  void on_deliver(const smpp_account& a, const engine::message_content& c, std::error_code error) override;

 private:
  struct session {
    std::string system_id;
    smpp::bind_mode mode{};
    wall_time since{};
  };
  void write_record(const smpp_account& a, engine::message_id id, const engine::message_content& c);

  event_feed& feed_;
  message_id_style ids_;
  std::FILE* record_ = nullptr;
  std::string line_;
  counter submits_, refusals_, receipts_, mo_messages_, bind_refusals_;
  gauge bound_;
  mutable std::mutex mutex_;
  std::map<std::string, session> sessions_;  // by peer; guarded by the mutex
};

}  // namespace msgkit::app
