#include "connectors/mm4_settings.hpp"

namespace msgkit::app {

using namespace std::chrono_literals;

void use_engine_retries(mm4::client_options& o) {
  o.attempts_max = 1;
  o.retry = {.initial = 10ms, .maximum = 250ms};
}

std::shared_ptr<tls_context> read_client_tls(config_reader& r) {
  tls_options o;
  o.ca_file = r.text("ca_file");
  o.certificate_file = r.text("certfile");
  o.private_key_file = r.text("keyfile");
  o.verify_peer = r.flag("verify_peer", true);
  auto context = tls_context::make(o, tls_role::client);
  if (context) return *std::move(context);
  r.fail(context.error().field.empty() ? "ca_file" : context.error().field, context.error().code.message());
  return nullptr;
}

mm4_peer_settings read_mm4_peer(config_reader& r, const mm4_names& names) {
  mm4_peer_settings g;
  const bool secure = r.flag("secure_connection", false);
  const auto remote = r.endpoint("remote_host", {"localhost", static_cast<std::uint16_t>(secure ? 465 : 25)});
  g.client.connect.host = remote.host;
  g.client.connect.port = remote.port;
  const auto tls = read_client_tls(r);
  if (secure) g.client.connect.tls = tls;
  else if (r.flag("starttls", false)) {
    g.client.starttls = tls;
    g.client.session.tls = mm4::smtp::tls_policy::required;
  } else {
    g.client.session.tls = mm4::smtp::tls_policy::never;
  }
  g.client.session.host_name = names.host_name;
  g.client.session.user = r.text("username");
  g.client.session.password = r.secret("password");
  g.client.session.auth_without_tls = r.flag("auth_without_tls", false);
  g.client.connections_max = r.size("connections", 4, 1, 100);
  use_engine_retries(g.client);
  auto& p = g.profile;
  p.version = r.text("version", "6.10.0", 32);
  p.domain = r.text("local_domain", names.local_domain, 255);
  p.peer_domain = r.text("remote_domain", remote.host, 255);
  const auto ours = names.originator_address.empty() ? "system-user@" + p.domain : names.originator_address;
  const auto originator = r.text("originator_address", ours, 320);
  const auto at = originator.find('@');
  if (at == std::string::npos || at == 0 || originator.substr(at + 1) != p.domain)
    r.fail("originator_address", originator + " must be a mailbox at local_domain");
  else p.system_user = originator.substr(0, at);
  p.fixed_recipient = r.text("recipient_address", "", 320);
  p.peer_system_address = r.text("peer_system_address", "", 320);
  p.strict = r.flag("strict", false);
  g.request_ack = r.flag("request_submit_ack", true);
  g.request_delivery_report = r.flag("request_delivery_report", true);
  g.request_read_receipt = r.flag("request_read_receipt", true);
  g.allowed_addresses = r.texts("allowed_addresses", {"127.0.0.0/8", "::1"});
  if (!ip_ranges::parse(g.allowed_addresses))
    r.fail("allowed_addresses", "must hold addresses and ranges such as 192.0.2.0/24");
  g.inbound_username = r.text("inbound_username");
  g.inbound_password = r.secret("inbound_password");
  return g;
}

std::shared_ptr<tls_context> read_listener_tls(config_reader& r) {
  tls_options o;
  o.certificate_file = r.text("certfile");
  o.private_key_file = r.text("keyfile");
  o.ca_file = r.text("ca_file");
  o.verify_peer = !o.ca_file.empty();
  if (o.certificate_file.empty()) return nullptr;
  auto context = tls_context::make(o, tls_role::server);
  if (context) return *std::move(context);
  r.fail(context.error().field.empty() ? "certfile" : context.error().field, context.error().code.message());
  return nullptr;
}

mm4::peer listener_peer_of(const mm4_peer_settings& s) {
  mm4::peer p{.name = s.name, .user = s.inbound_username, .password = s.inbound_password, .profile = s.profile};
  if (auto networks = ip_ranges::parse(s.allowed_addresses)) p.networks = *std::move(networks);
  return p;
}

}  // namespace msgkit::app
