// The SMPP way out: binds to an upstream message centre, submits the engine's messages, and takes its receipts and
// mobile-originated messages in. One carrier may have several binds; receipts may come over any of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/engine_port.hpp"
#include "connectors/sms_conversion.hpp"
#include "msgkit/smpp/net/client.hpp"

namespace msgkit::app {

enum class receipt_policy : std::uint8_t {
  always,     // ask for receipts so that every message reaches a final state
  requested,  // only when the submitter asked
};

struct smpp_carrier_options {
  std::string name{};                 // the endpoint is "carrier:<name>"
  smpp::client_options client{};      // address, credentials, mode, timers, window
  std::size_t binds = 1;              // parallel sessions, each with its own window
  smpp::rate_options rate{};          // over all binds, in segments; unlimited until the carrier complains
  receipt_policy receipts = receipt_policy::always;
  sms_profile profile{};
};

// Called on the connector's executor.
struct smpp_carrier_observer {
  virtual ~smpp_carrier_observer() = default;
  virtual void on_bound(const std::string& /*carrier*/) {}
  virtual void on_unbound(const std::string& /*carrier*/, std::error_code, std::chrono::milliseconds /*retry_in*/) {}
  virtual void on_submit(const std::string& /*carrier*/, std::error_code) {}  // a segment's outcome
  virtual void on_slowed_down(const std::string& /*carrier*/, double /*segments_per_second*/) {}  // it complained
  virtual void on_receipt(const std::string& /*carrier*/, bool /*understood*/) {}
  virtual void on_deliver(const std::string& /*carrier*/, smpp::command_status) {}  // our answer to an MO message
};

class smpp_carrier {
 public:
  smpp_carrier(asio::any_io_executor executor, engine::inbox& e, smpp_carrier_options options,
               std::shared_ptr<smpp_carrier_observer> observer);
  ~smpp_carrier();
  smpp_carrier(const smpp_carrier&) = delete;
  smpp_carrier& operator=(const smpp_carrier&) = delete;

  // From any thread.
  void start();
  // Unbinds; `done` runs on the executor when every bind is closed.
  void stop(std::function<void()> done);
  // Binds that are up right now.
  [[nodiscard]] std::size_t bound() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
