// Whether somebody takes connections at an address: the heartbeat of a gateway.
#pragma once

#include <functional>
#include <memory>

#include "msgkit/core/net/connector.hpp"

namespace msgkit::app::mms {

class prober {
 public:
  explicit prober(asio::any_io_executor executor) : connector_(std::move(executor)) {}

  // Connects and hangs up. Calls `done` once, not after the prober's end. One at a time.
  void probe(const connect_options& to, std::function<void(bool)> done);

 private:
  connector connector_;
};

}  // namespace msgkit::app::mms
