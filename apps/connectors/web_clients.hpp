// The way to clients that have a webhook instead of a connection: messages and receipts for them, each a signed POST.
// 2xx is the client's acknowledgement. What fails is repeated by the engine with its back-off.
//
// Signature: see sign_webhook(). Webhook-Id is the same in every attempt, so that a receiver can tell repetitions.
// A message may name an address for its receipts, see kannel_report.hpp: these are GET requests from the endpoint
// "report:<name>", whether the client has a webhook or not. Redirects are never followed, and url_guard judges the
// address of every connection.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/http_client.hpp"
#include "connectors/media_class.hpp"
#include "connectors/webhook_body.hpp"
#include "engine/inbox.hpp"

namespace msgkit::app {

class media_adapter;

struct web_number {
  std::string url{};  // empty: the client's
  std::string tag{}, group{};
  friend bool operator==(const web_number&, const web_number&) = default;
};

struct web_client {
  std::string name{};                                        // the endpoint is "client:<name>"
  std::string url{};                                         // may be empty: its numbers have one, or its messages wait
  std::vector<std::string> secrets{};                        // each signs; none: not signed
  std::map<std::string, web_number, std::less<>> numbers{};  // by digits
  webhook_format format = webhook_format::generic;
  bool raw_segments = false;   // see webhook_extras
  std::uint32_t retries = 10;  // failures after the first, then it is given up
  std::chrono::milliseconds timeout{10'000};
  std::uint32_t window = 8;  // requests under way
  // Of its MMS, where media are adapted. What cannot be made to fit is handed out as it is, and the webhook says why.
  media_class in_class = media_class::none;
  friend bool operator==(const web_client&, const web_client&) = default;
};

struct web_client_options {
  url_guard guard{};
  std::string ca_file{};
  std::size_t answer_bytes_max = 64 * 1024;  // of which we only want the status
  // A URL that fails `failures_max` times in a row is left alone for `rest_initial`, then tried with one request; each
  // further failure doubles the rest.
  std::uint32_t failures_max = 5;
  std::chrono::milliseconds rest_initial{1'000}, rest_maximum{60'000};
  media_adapter* adapter = nullptr;  // outlives the connector; null: media go as they are
};

// Called on the connector's executor.
struct web_client_observer {
  virtual ~web_client_observer() = default;
  // `status` is 0 when there was no answer.
  virtual void on_attempt(const std::string& /*client*/, engine::attempt_outcome, unsigned /*status*/,
                          std::chrono::milliseconds) {}
  virtual void on_rest(const std::string& /*client*/, std::chrono::milliseconds) {}
};

class web_clients {
 public:
  // Makes a request; false when it cannot be taken now. http_client::send in a gateway, a script in tests.
  using transport = std::function<bool(outbound_request, http_client::handler)>;

  web_clients(asio::any_io_executor executor, engine::inbox& e, web_client_options options, transport send,
              std::shared_ptr<web_client_observer> observer);
  ~web_clients();
  web_clients(const web_clients&) = delete;
  web_clients& operator=(const web_clients&) = delete;

  // From any thread. Those that are not named any more get nothing further.
  void set_clients(std::vector<web_client> clients);
  // Takes no further messages; `done` runs on the executor when no request is under way any more.
  void stop(std::function<void()> done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
