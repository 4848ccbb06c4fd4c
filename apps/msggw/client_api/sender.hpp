// Takes a client's order through everything that is checked before the engine sees it: whose number, how fast.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/message_submitter.hpp"
#include "msggw/client_api/api_access.hpp"
#include "msggw/client_api/send_order.hpp"

namespace msgkit::app {

struct sent_item {
  std::string to{};
  std::variant<engine::message_id, engine::refusal> outcome{engine::refusal::store_unavailable};
};

// Thread-safe.
class sender {
 public:
  explicit sender(engine::inbox& e) : submitter_(e) {}

  // Fills in the only number of a client that names none, and takes from the client's rate. A response refuses.
  std::optional<http_response> prepare(const api_caller& caller, send_order& order);
  // Precondition: prepare() had no objection. `done` is called once, with one item for each recipient in order.
  using done = std::function<void(const std::vector<sent_item>&)>;
  void send(const api_caller& caller, const send_order& order, done d);

 private:
  message_submitter submitter_;
  rate_limiter segments_;
};

// What a refusal of the engine is over HTTP.
http_response response_of(engine::refusal reason);

}  // namespace msgkit::app
