#include "connectors/line_monitors.hpp"

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"lines"};
constexpr logger chat_log_{"chats"};

}  // namespace

void lines_monitor::count(const char* name, const char* help, const std::string& id) {
  registry_.counter(name, help, {{"line", id}}).add();
}

void lines_monitor::on_line(const std::string& id, goip::line_state, goip::line_state now) {
  registry_.gauge("goip_line_up", "1: registered and on the network", {{"line", id}})
      .set(now == goip::line_state::online);
  log_.info("line", {{"id", id}, {"state", goip::to_string(now)}});
}

void lines_monitor::on_authentication_failed(const goip::authentication_failed&) {
  registry_.counter("goip_authentication_failures_total", "Datagrams with a wrong id or password").add();
}

void lines_monitor::on_endpoint_held(const std::string& id, const goip::endpoint&) {
  count("goip_endpoint_conflicts_total", "Claims to a live line from another address", id);
  log_.warn("another address claims the line", {{"id", id}});
}

void lines_monitor::on_sent(const std::string& id, const goip::sms_done& done) {
  registry_
      .counter("goip_sms_sent_total", "Ends of SMS given to lines",
               {{"line", id}, {"outcome", std::string(goip::to_string(done.outcome))}})
      .add();
}

void lines_monitor::on_inbound(const std::string& id, bool stored) {
  registry_
      .counter("goip_inbound_total", "SMS and reports of lines", {{"line", id}, {"stored", stored ? "true" : "false"}})
      .add();
}

void lines_monitor::on_stray_report(const std::string& id) {
  count("goip_stray_reports_total", "Reports about SMS that wait for none", id);
}

chats_monitor::chats_monitor(metrics& registry)
    : open_(registry.gauge("xmpp_component_up", "1: the server has taken us as a component")),
      refused_(registry.counter("xmpp_chats_refused_total", "Chats answered with an error")),
      bounced_(registry.counter("xmpp_messages_bounced_total", "Messages the server gave back")) {}

void chats_monitor::on_open() {
  connected_ = true;
  open_.set(1);
  chat_log_.info("connected to the XMPP server");
}

void chats_monitor::on_closed(std::error_code why, std::chrono::milliseconds retry_in) {
  connected_ = false;
  open_.set(0);
  chat_log_.warn("not connected to the XMPP server", {{"reason", why}, {"retry_in_ms", retry_in.count()}});
}

}  // namespace msgkit::app
