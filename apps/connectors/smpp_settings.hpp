// Keys of the configuration that every app with SMPP sessions reads in the same way. Mistakes go into the reader.
#pragma once

#include <memory>
#include <string_view>

#include "common/config.hpp"
#include "connectors/smpp_server.hpp"
#include "msgkit/core/net/tls.hpp"
#include "msgkit/smpp/peer_profile.hpp"
#include "msgkit/smpp/rate_control.hpp"

namespace msgkit::app {

smpp::charset read_charset(config_reader& r, std::string_view key);
// national_tables, transliterate.
text_economy read_economy(config_reader& r);
smpp::long_message_method read_long_messages(config_reader& r, smpp::long_message_method fallback);
// Timers and limits of a session.
void read_session(config_reader& r, smpp::session_options& s);
// The table `peer`: how this peer differs from the specification. What it does not say stays as it is.
void read_peer(config_reader r, smpp::peer_profile& p);
// `segments_per_second` and whether complaints lower it.
smpp::rate_options read_rate(config_reader& r);
// Null when the table is absent, or cannot be used.
std::shared_ptr<tls_context> read_tls(config_reader r, std::string_view key, tls_role role);
// One row of [[clients]] or [[users]]; what it does not say is as in `usual`.
smpp_account read_smpp_account(config_reader& r, const smpp_account& usual);

}  // namespace msgkit::app
