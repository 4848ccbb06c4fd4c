// Keys of the configuration that every app with SMPP sessions reads in the same way. Mistakes go into the reader.
#pragma once

#include <memory>
#include <string_view>

#include "common/config.hpp"
#include "connectors/smpp_server.hpp"
#include "msgkit/core/net/tls.hpp"

namespace msgkit::app {

smpp::charset read_charset(config_reader& r, std::string_view key);
smpp::long_message_method read_long_messages(config_reader& r, smpp::long_message_method fallback);
// Timers and limits of a session.
void read_session(config_reader& r, smpp::session_options& s);
// Null when the table is absent, or cannot be used.
std::shared_ptr<tls_context> read_tls(config_reader r, std::string_view key, tls_role role);
// One row of [[clients]] or [[users]]; what it does not say is as in `usual`.
smpp_account read_smpp_account(config_reader& r, const smpp_account& usual);

}  // namespace msgkit::app
