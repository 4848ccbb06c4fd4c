// The monitors of both sides, and what the bridge itself makes of what they see. Called on the connectors' executor.
#pragma once

#include <functional>

#include "connectors/line_monitors.hpp"
#include "goip_xmpp/bot.hpp"
#include "goip_xmpp/recorder.hpp"

namespace msgkit::app {

class bridge_lines final : public lines_monitor {
 public:
  using line_seen = std::function<void(const std::string& id, goip::line_state before, goip::line_state now)>;
  bridge_lines(metrics& registry, recorder& r, bot& b, line_seen seen)
      : lines_monitor(registry), recorder_(r), bot_(b), seen_(std::move(seen)) {}

  void on_line(const std::string& id, goip::line_state before, goip::line_state now) override {
    lines_monitor::on_line(id, before, now);
    seen_(id, before, now);
  }
  void on_status(const std::string& id, const goip::line_status& s) override;
  void on_ussd(const std::string& id, const std::string& text) override { bot_.push_ussd(id, text); }
  void on_call(const std::string& id, const goip::call_event& e) override;

 private:
  recorder& recorder_;
  bot& bot_;
  line_seen seen_;
};

std::int64_t seconds_since_1970();

}  // namespace msgkit::app
