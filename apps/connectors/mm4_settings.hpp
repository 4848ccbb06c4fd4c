// An MM4 peer as the gateways configure it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "msgkit/mm4/net/client.hpp"
#include "msgkit/mm4/net/server.hpp"

namespace msgkit::app {

struct mm4_peer_settings {
  std::string name{};
  mm4::peer_profile profile{};
  mm4::client_options client{};
  std::vector<std::string> allowed_addresses{};        // who may send as this peer
  std::string inbound_username{}, inbound_password{};  // AUTH, besides or instead
  bool request_ack = true, request_delivery_report = true, request_read_receipt = true;
};

// What we are called, where a peer's own keys do not say otherwise.
struct mm4_names {
  std::string host_name = "localhost";     // in the greeting
  std::string local_domain = "localhost";  // of our addresses and message ids; host_name unless given
  std::string originator_address{};        // empty: system-user@ the peer's local_domain
};

// All but the name, which has a key of its own in each gateway. Mistakes go into the reader.
mm4_peer_settings read_mm4_peer(config_reader& r, const mm4_names& names);

// ca_file, certfile, keyfile, verify_peer: of connections that we make, and of a listener, null without a certificate.
std::shared_ptr<tls_context> read_client_tls(config_reader& r);
std::shared_ptr<tls_context> read_listener_tls(config_reader& r);

// Mails are tried once: who sends tries again, and keeps count. Nor does a mail wait long in front of a peer that is
// away: another one may take it.
void use_engine_retries(mm4::client_options& o);

// As the listener knows it.
mm4::peer listener_peer_of(const mm4_peer_settings& s);

}  // namespace msgkit::app
