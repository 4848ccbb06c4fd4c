// The table `xmpp` of a configuration: our component at an XMPP server, and the users it serves. Mistakes go into the
// reader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/xmpp_users.hpp"

namespace msgkit::app {

struct xmpp_settings {
  xmpp_users_options options{};
  // By user: the carrier that what he writes goes to; empty: as the routes say.
  std::vector<std::string> carriers{};
};

// How much the table may leave to be found elsewhere.
enum class xmpp_rows : std::uint8_t {
  complete,  // at least one user, and each has a number
  partial,
};
xmpp_settings read_xmpp(config_reader r, xmpp_rows rows = xmpp_rows::complete);

}  // namespace msgkit::app
