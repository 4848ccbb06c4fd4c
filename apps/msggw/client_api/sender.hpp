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
  message_submitter::answer outcome{engine::refused{}};
};

// Thread-safe.
class sender {
 public:
  // What of an account's pace is this gateway's; null: all of it.
  using pace_share = std::function<double(std::string_view account)>;
  explicit sender(engine::inbox& e, pace_share share = {}) : submitter_(e), share_(std::move(share)) {}

  // Fills in the only number of a client that names none. A response refuses: it is none of the caller's.
  static std::optional<http_response> choose_number(const api_caller& caller, send_order& order);
  // The same, and takes from the client's rate.
  std::optional<http_response> prepare(const api_caller& caller, send_order& order);
  // Whether the carrier of the order's number takes one message to all of its recipients. Those who are clients here
  // are none for a carrier.
  static bool takes_group(const api_caller& caller, const send_order& order);
  // Precondition: prepare() had no objection. `done` is called once, with one item for each recipient in order,
  // or one item for a group.
  using done = std::function<void(const std::vector<sent_item>&)>;
  // `request_id`: the client's key for this request and a digest of the request, both empty or none. Asked again with
  // both, also after a crash, it gets the first answer and nothing is sent; with another digest, refusal::conflict.
  struct request_id {
    std::string key{}, digest{};
  };
  static constexpr std::size_t key_octets_max = 200;
  void send(const api_caller& caller, const send_order& order, const request_id& asked, done d);

 private:
  message_submitter submitter_;
  pace_share share_;
  rate_limiter segments_;
};

// What a refusal of the engine is over HTTP.
http_response response_of(const engine::refused& r, bool is_mms = false);

}  // namespace msgkit::app
