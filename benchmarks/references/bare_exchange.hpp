// Reference of the in-memory server rows: what the kernel and Asio allow for this exchange when the server does nothing.
#pragma once

#include "references/bare_server.hpp"
#include "references/load_client.hpp"

namespace msgkit::bench {

// Client on the calling thread, server on one of its own. `options.port` and `options.bind` are overridden.
inline load_result run_bare_exchange(load_options options) {
  const bare_server server;
  options.port = server.port();
  options.bind = false;
  return run_load(options);
}

}  // namespace msgkit::bench
