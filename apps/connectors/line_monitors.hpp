// What happens on GoIP lines and towards the XMPP server, as log lines and metrics. Numbers and texts stay out of both.
#pragma once

#include <atomic>
#include <string>

#include "common/metrics.hpp"
#include "connectors/goip_lines.hpp"
#include "connectors/xmpp_users.hpp"

namespace msgkit::app {

class lines_monitor : public goip_lines_observer {
 public:
  explicit lines_monitor(metrics& registry) : registry_(registry) {}

  void on_line(const std::string& id, goip::line_state before, goip::line_state now) override;
  void on_authentication_failed(const goip::authentication_failed&) override;
  void on_endpoint_held(const std::string& id, const goip::endpoint&) override;
  void on_sent(const std::string& id, const goip::sms_done& done) override;
  void on_inbound(const std::string& id, bool stored) override;
  void on_stray_report(const std::string& id) override;

 private:
  void count(const char* name, const char* help, const std::string& id);
  metrics& registry_;
};

class chats_monitor : public xmpp_users_observer {
 public:
  explicit chats_monitor(metrics& registry);
  [[nodiscard]] bool is_connected() const noexcept { return connected_; }  // from any thread

  void on_open() override;
  void on_closed(std::error_code why, std::chrono::milliseconds retry_in) override;
  void on_refused(const std::string&, xmppcomp::stanza_condition) override { refused_.add(); }
  void on_bounced(const std::string&, xmppcomp::stanza_condition) override { bounced_.add(); }

 private:
  gauge open_;
  counter refused_, bounced_;
  std::atomic<bool> connected_ = false;
};

}  // namespace msgkit::app
