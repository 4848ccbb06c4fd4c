// Which clients are connected over MM4 right now, for /stats. Passes everything on to another observer.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "connectors/mm4_peers.hpp"

namespace msgkit::app {

// The connections of one client from one address.
struct mm4_client_sessions {
  std::string username{}, address{};
  std::size_t active = 0;
  std::chrono::system_clock::time_point since{}, last_activity{};
};

// The observer's methods run on the connector's executor; list() may be called from any thread.
class mm4_sessions final : public mm4_peers_observer {
 public:
  explicit mm4_sessions(std::shared_ptr<mm4_peers_observer> next) : next_(std::move(next)) {}

  [[nodiscard]] std::vector<mm4_client_sessions> list() const;

  void on_connected(const mm4_peer& p, const peer_address& from) override;
  void on_disconnected(const peer_address& from) override;
  void on_message(const std::string& peer, mm4_verdict v, std::string_view why) override;
  void on_attempt(const std::string& peer, engine::attempt_outcome o) override { next_->on_attempt(peer, o); }
  void on_report(const std::string& peer, std::string_view kind) override;
  void on_denied(const std::string& address, std::string_view why) override { next_->on_denied(address, why); }

 private:
  struct session {
    std::string peer{}, username{}, address{};
    std::chrono::system_clock::time_point since{}, last_activity{};
  };
  void is_active(const std::string& peer);

  std::shared_ptr<mm4_peers_observer> next_;
  mutable std::mutex mutex_;
  std::map<std::string, session> sessions_;  // by address and port
};

}  // namespace msgkit::app
