// The directory's HTTP carriers: a connector type for each dialect we know, and the paths that their webhooks call.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/http_client.hpp"
#include "connectors/http_carrier.hpp"
#include "msggw/carrier_set.hpp"

namespace msgkit::app {

// What all HTTP ways out have in common.
struct http_outbound_config {
  std::string public_url{};  // what carriers were told to call, up to the path: "https://gw.example.org"; may be empty
  std::string ca_file{};     // PEM; empty: the system's
  url_guard guard{};
};

// What they need for media and messages to several; see http_carrier_options.
struct http_carrier_media {
  media_intake* intake = nullptr;
  std::string base_url{};
  std::function<bool(const std::string&)> is_ours{};
  media_adapter* adapter = nullptr;
};

// Why this carrier cannot work, a line for each field at fault; none when it can, or is none of HTTP. Its webhooks may
// still be refused: check_webhooks().
std::vector<std::string> faults_of_http_carrier(const carrier& c);
// Why its webhooks will be refused until something is configured; empty when they will not.
std::string check_webhooks(const carrier& c, const http_outbound_config& config);

// Thread-safe. Lives longer than the carrier_set it was added to; `client` and `e` live longer than that set.
class http_carriers {
 public:
  http_carriers(http_outbound_config config, http_carrier_media media, http_client& client, engine::inbox& e,
                std::shared_ptr<http_carrier_observer> observer);

  // A type of `carriers` for each dialect.
  void add_types(carrier_set& carriers);
  // POST and GET /inbound/{carrier} and /status/{carrier}, where {carrier} is the carrier's webhook_id. Any event may
  // come over either: some carriers know one address only.
  void add_routes(http_router& router);

 private:
  class connector;
  void take(http_request request, const http_responder& responder);

  http_outbound_config config_;
  http_carrier_media media_;
  http_client& client_;
  engine::inbox& engine_;
  std::shared_ptr<http_carrier_observer> observer_;
  std::mutex mutex_;  // held while a webhook is handed over, so that its carrier cannot go meanwhile
  std::map<std::string, connector*, std::less<>> by_webhook_;
};

}  // namespace msgkit::app
