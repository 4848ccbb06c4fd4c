// The simulated mobile network: the endpoint to which everything goes that is for no user of ours. It takes every
// message, and delivers it or not, as the behaviours say. Belongs to one executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "engine/inbox.hpp"
#include "smppd/behaviour.hpp"

namespace msgkit::app {

constexpr std::string_view network_endpoint = "carrier:network";

class simulated_network {
 public:
  // Told of each message that reached its end here. Called on the executor.
  using on_end = std::function<void(const engine::message_content&, engine::message_id, engine::message_state)>;

  simulated_network(asio::any_io_executor executor, engine::inbox& e, std::shared_ptr<const behaviours> how,
                    std::uint32_t capacity, on_end ended);
  ~simulated_network();
  simulated_network(const simulated_network&) = delete;
  simulated_network& operator=(const simulated_network&) = delete;

  // From any thread.
  void start();
  void set_behaviours(std::shared_ptr<const behaviours> how);
  // Takes no more messages; those under way are given back to the engine.
  void stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
