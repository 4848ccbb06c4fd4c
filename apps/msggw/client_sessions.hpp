// Who is bound over SMPP right now, for /stats. Passes everything on to another observer.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "connectors/smpp_server.hpp"

namespace msgkit::app {

struct client_session {
  std::string username, address;  // "192.0.2.1:40000"
  std::chrono::system_clock::time_point since{};
  smpp::bind_mode mode = smpp::bind_mode::transceiver;
};

// The observer's methods run on the connector's executor; list() may be called from any thread.
class client_sessions final : public smpp_server_observer {
 public:
  explicit client_sessions(std::shared_ptr<smpp_server_observer> next) : next_(std::move(next)) {}

  [[nodiscard]] std::vector<client_session> list() const {
    const std::lock_guard lock(mutex_);
    std::vector<client_session> all;
    for (const auto& [address, s] : sessions_) all.push_back(s);
    return all;
  }

  void on_connected(const peer_address& p) override { next_->on_connected(p); }
  void on_bound(const smpp_account& a, const peer_address& p, smpp::bind_mode m) override {
    {
      const std::lock_guard lock(mutex_);
      sessions_[p.to_string()] = {a.name, p.to_string(), std::chrono::system_clock::now(), m};
    }
    next_->on_bound(a, p, m);
  }
  void on_bind_refused(std::string_view id, const peer_address& p, smpp::command_status s) override {
    next_->on_bind_refused(id, p, s);
  }
  void on_unbound(const smpp_account& a, const peer_address& p, std::error_code e) override {
    {
      const std::lock_guard lock(mutex_);
      sessions_.erase(p.to_string());
    }
    next_->on_unbound(a, p, e);
  }
  void on_closed(const peer_address& p, std::error_code e) override { next_->on_closed(p, e); }
  void on_ended(const smpp::session_counters& c) override { next_->on_ended(c); }
  void on_refused(refusal r, const peer_address& p) override { next_->on_refused(r, p); }
  void on_submit(const smpp_account& a, smpp::command_status s) override { next_->on_submit(a, s); }
  void on_taken(const smpp_account& a, engine::message_id id, const engine::message_content& c) override {
    next_->on_taken(a, id, c);
  }
  void on_deliver(const smpp_account& a, const engine::message_content& c, std::error_code e) override {
    next_->on_deliver(a, c, e);
  }

 private:
  std::shared_ptr<smpp_server_observer> next_;
  mutable std::mutex mutex_;
  std::map<std::string, client_session> sessions_;
};

}  // namespace msgkit::app
