// What happens on lines and on the XMPP side, as log lines and metrics. Called on the connectors' executor.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "common/metrics.hpp"
#include "connectors/goip_lines.hpp"
#include "connectors/xmpp_users.hpp"

namespace msgkit::app {

class goip_xmpp_observer final : public goip_lines_observer, public xmpp_users_observer {
 public:
  explicit goip_xmpp_observer(metrics& registry);
  // Gets the USSD texts that nobody asked for.
  void set_ussd(std::function<void(const std::string& line, const std::string& text)> take) { ussd_ = std::move(take); }
  [[nodiscard]] bool is_connected() const noexcept { return connected_; }  // from any thread

  void on_line(const std::string& id, goip::line_state before, goip::line_state now) override;
  void on_authentication_failed(const goip::authentication_failed&) override;
  void on_endpoint_held(const std::string& id, const goip::endpoint& claimed) override;
  void on_inbound(const std::string& id, bool stored) override;
  void on_ussd(const std::string& id, const std::string& text) override;
  void on_open() override;
  void on_closed(std::error_code reason, std::chrono::milliseconds retry_in) override;
  void on_refused(const std::string& jid, xmppcomp::stanza_condition) override;
  void on_bounced(const std::string& jid, xmppcomp::stanza_condition) override;

 private:
  metrics& registry_;
  counter inbound_, not_stored_, auth_failures_, held_, refused_, bounced_;
  gauge connected_gauge_;
  std::atomic<bool> connected_ = false;
  std::function<void(const std::string&, const std::string&)> ussd_;
};

}  // namespace msgkit::app
