#include "goip_xmpp/goip_xmpp_observer.hpp"

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"goip_xmpp"};

}  // namespace

goip_xmpp_observer::goip_xmpp_observer(metrics& r) : registry_(r) {
  inbound_ = r.counter("goip_xmpp_inbound_total", "SMS and reports of lines that were stored");
  not_stored_ = r.counter("goip_xmpp_inbound_left_total", "SMS and reports of lines that were left in the device");
  auth_failures_ = r.counter("goip_xmpp_authentication_failures_total", "Datagrams with a wrong id or password");
  held_ = r.counter("goip_xmpp_endpoints_held_total", "Lines claimed from a new address while the old one was alive");
  refused_ = r.counter("goip_xmpp_chats_refused_total", "Chats answered with an error");
  bounced_ = r.counter("goip_xmpp_chats_bounced_total", "Our chats that the XMPP server sent back");
  connected_gauge_ = r.gauge("goip_xmpp_xmpp_connected", "1 while the XMPP server accepts us");
}

void goip_xmpp_observer::on_line(const std::string& id, goip::line_state before, goip::line_state now) {
  registry_.gauge("goip_xmpp_line_online", "1 while the line is on the network", {{"line", id}})
      .set(now == goip::line_state::online ? 1 : 0);
  log_.info("line", {{"line", id}, {"before", goip::to_string(before)}, {"now", goip::to_string(now)}});
}

void goip_xmpp_observer::on_authentication_failed(const goip::authentication_failed&) { auth_failures_.add(); }

void goip_xmpp_observer::on_endpoint_held(const std::string& id, const goip::endpoint&) {
  held_.add();
  log_.warn("another address claims to be the line; the known one is kept", {{"line", id}});
}

void goip_xmpp_observer::on_inbound(const std::string&, bool stored) { (stored ? inbound_ : not_stored_).add(); }

void goip_xmpp_observer::on_ussd(const std::string& id, const std::string& text) {
  if (ussd_) ussd_(id, text);
}

void goip_xmpp_observer::on_open() {
  connected_ = true;
  connected_gauge_.set(1);
  log_.info("connected to the XMPP server");
}

void goip_xmpp_observer::on_closed(std::error_code reason, std::chrono::milliseconds retry_in) {
  connected_ = false;
  connected_gauge_.set(0);
  log_.warn("no connection to the XMPP server", {{"reason", reason}, {"retry_ms", retry_in.count()}});
}

void goip_xmpp_observer::on_refused(const std::string&, xmppcomp::stanza_condition) { refused_.add(); }

void goip_xmpp_observer::on_bounced(const std::string& jid, xmppcomp::stanza_condition) {
  bounced_.add();
  log_.warn("the XMPP server returned a message", {{"jid", jid}});
}

}  // namespace msgkit::app
