// The table `xmpp` of a configuration: our component at an XMPP server, and the users it serves. Mistakes go into the
// reader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "connectors/xmpp_users.hpp"

namespace msgkit::app {

// How a user writes and what he gets.
struct xmpp_ways {
  std::string carrier{};            // where what he writes goes; empty: as the routes say
  std::vector<std::string> more{};  // carriers that he is a user of as well
  bool receives = true;             // what arrives there
};

struct xmpp_settings {
  xmpp_users_options options{};
  std::vector<xmpp_ways> ways{};  // by user
};

// How much the table may leave to be found elsewhere.
enum class xmpp_rows : std::uint8_t {
  complete,  // at least one user, and each has a number
  partial,
};
xmpp_settings read_xmpp(config_reader r, xmpp_rows rows = xmpp_rows::complete);

}  // namespace msgkit::app
