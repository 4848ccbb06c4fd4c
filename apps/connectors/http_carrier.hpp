// The HTTP way out and in: a carrier with a REST API. Takes the engine's messages to it, and takes in what its webhooks
// bring: texts as messages, statuses as delivery reports. A webhook is answered when the engine has it in the store.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/http_client.hpp"
#include "common/http_router.hpp"
#include "connectors/http_exchange.hpp"
#include "connectors/media_adapter.hpp"
#include "connectors/media_intake.hpp"
#include "connectors/plain_text.hpp"
#include "engine/inbox.hpp"

namespace msgkit::app {

struct http_carrier_options {
  std::string name{};  // the endpoint is "carrier:<name>"
  http_dialect dialect{};
  http_carrier_account account{};
  signature_options signature{};   // of its webhooks
  std::string callback_url{};      // of ours; empty: none is asked for, messages end as `sent`
  std::uint32_t window = 32;       // requests under way
  bool transliterate = false;      // texts, where that makes them fit GSM 7-bit
  double segments_per_second = 0;  // 0: as fast as the window allows
  std::chrono::milliseconds timeout{30'000};
  url_guard guard{};
  media_intake* media = nullptr;             // outlives the carrier; null: media of inbound messages are lost
  std::string media_base_url{};              // where the carrier and others fetch ours
  bool media_is_public = false;              // the carrier can reach media_base_url
  media_adapter* adapter = nullptr;          // outlives the carrier; null: media go as they are
  media_class in_class = media_class::none;  // likewise
  // Whether a number, in digits, has a client here. Of a message to several each of these gets a copy. Null: the one
  // that the carrier names first is meant.
  std::function<bool(const std::string&)> is_ours{};
};

enum class webhook_answer : std::uint8_t { taken, forged, unreadable, busy };

// Called on the connector's executor.
struct http_carrier_observer {
  virtual ~http_carrier_observer() = default;
  virtual void on_attempt(const std::string& /*carrier*/, engine::attempt_outcome, std::chrono::milliseconds) {}
  virtual void on_webhook(const std::string& /*carrier*/, webhook_answer) {}
  virtual void on_bad_signature(const std::string& /*carrier*/, signature_verdict) {}
  virtual void on_ignored(const std::string& /*carrier*/, std::size_t /*events*/) {}
  // Of one inbound message: how many could be fetched and kept, and how many not.
  virtual void on_media(const std::string& /*carrier*/, std::size_t /*kept*/, std::size_t /*lost*/,
                        const std::string& /*why*/) {}
  // The carrier will not send to this recipient from this sender any more: digits of both.
  virtual void on_opted_out(const std::string& /*carrier*/, const std::string& /*from*/, const std::string& /*to*/) {}
};

class http_carrier {
 public:
  // Makes a request; false when it cannot be taken now. http_client::send in a gateway, a script in tests.
  using transport = std::function<bool(outbound_request, http_client::handler)>;

  http_carrier(asio::any_io_executor executor, engine::inbox& e, http_carrier_options options, transport send,
               std::shared_ptr<http_carrier_observer> observer);
  ~http_carrier();
  http_carrier(const http_carrier&) = delete;
  http_carrier& operator=(const http_carrier&) = delete;

  // From any thread.
  void start();
  // Takes no further messages; `done` runs on the executor when no request is under way any more.
  void stop(std::function<void()> done);
  // A request to the carrier's webhook. 2xx: its events are stored. 403: the signature is missing or wrong. 400: not
  // what the carrier sends. 503: try again.
  void take_webhook(http_request request, http_responder responder);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
