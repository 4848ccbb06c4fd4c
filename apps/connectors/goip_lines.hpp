// The lines of GoIP devices as carriers: the engine's messages go out over their SIM cards, SMS that arrive there come
// in, and are acknowledged to the device when the engine has them in its store, where a repetition is known even after
// a restart. A line that is not on the network takes nothing. Several lines may serve one carrier; the engine then
// spreads messages over them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/inbox.hpp"
#include "msgkit/goip/net/server.hpp"

namespace msgkit::app {

struct goip_line {
  goip::line_options line{};
  std::string carrier{};       // the endpoint is "carrier:<carrier>"; empty: the line's id
  std::string msisdn{};        // where inbound SMS are addressed to; empty: what the device says, else the line's id
  bool reports = true;         // the device sends delivery reports (its SMS_DELIVER is on)
  std::uint32_t capacity = 1;  // messages handed over and not yet answered
  // What was sent and has no report to come counts as delivered: its sender then hears of it at all.
  bool sent_is_delivered = false;
  // Accounts beside the endpoint that get a copy of every SMS that arrives, each under routes of its own.
  std::vector<std::string> copies{};
};

struct goip_lines_options {
  goip::server_options server{};
  std::vector<goip_line> lines{};
};

// Called on the connector's executor.
struct goip_lines_observer {
  virtual ~goip_lines_observer() = default;
  virtual void on_line(const std::string& /*id*/, goip::line_state /*before*/, goip::line_state /*now*/) {}
  // A keepalive said something new, or the state changed; see goip_lines::status().
  virtual void on_status(const std::string& /*id*/, const goip::line_status&) {}
  virtual void on_authentication_failed(const goip::authentication_failed&) {}
  virtual void on_endpoint_held(const std::string& /*id*/, const goip::endpoint& /*claimed*/) {}
  virtual void on_sent(const std::string& /*id*/, const goip::sms_done&) {}
  virtual void on_inbound(const std::string& /*id*/, bool /*stored*/) {}  // SMS or report; false: left in the device
  virtual void on_stray_report(const std::string& /*id*/) {}              // of an SMS that waits for none
  virtual void on_ussd(const std::string& /*id*/, const std::string& /*text*/) {}
  virtual void on_call(const std::string& /*id*/, const goip::call_event&) {}
};

class goip_lines {
 public:
  goip_lines(asio::any_io_executor executor, engine::inbox& e, goip_lines_options options,
             std::shared_ptr<goip_lines_observer> observer);
  ~goip_lines();
  goip_lines(const goip_lines&) = delete;
  goip_lines& operator=(const goip_lines&) = delete;

  // On the executor, or before it runs. Errors: an impossible line (the fault's field names the option, its offset the
  // line), what the system says about the address.
  result<void> start();
  // Takes no new messages; `done` runs on the executor when those that have begun have their outcome, or after `limit`.
  void stop(std::chrono::milliseconds limit, std::function<void()> done);
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] const goip::server& server() const noexcept;
  // What the line's keepalives said; null for an unknown id. On the executor, valid until the next event.
  [[nodiscard]] const goip::line_status* status(const std::string& id) const;
  // Adds, changes and removes lines, known by their ids. A line that is gone is answered no more; what it was given and
  // has not begun goes back to the engine. On the executor. The fault's offset names the line that is impossible; those
  // before it are in force.
  result<void> set_lines(std::vector<goip_line> lines);
  // `done` runs on the executor, once: the answer, or an error. On the executor.
  void ussd(const std::string& id, const std::string& code, std::function<void(std::error_code, std::string)> done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
