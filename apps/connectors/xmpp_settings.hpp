// The table `xmpp` of a configuration: our component at an XMPP server, and the users it serves. Mistakes go into the
// reader.
#pragma once

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

xmpp_settings read_xmpp(config_reader r);

}  // namespace msgkit::app
