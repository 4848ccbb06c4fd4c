// An SMSC to test against: accepts configured users, answers their messages as configured, sends receipts and
// mobile-originated messages, and can write down what it accepted. Nothing is delivered to a phone.
// Belongs to one executor; every method is to be called there.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/log.hpp"
#include "common/metrics.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "msgkit/smpp/message_state.hpp"

namespace msgkit::app {

enum class id_style : std::uint8_t { decimal, hexadecimal, uuid_like };

struct simulator_user {
  std::string system_id{};
  std::string password{};
  std::size_t binds_max = 1'000;
};

// Messages that the SMSC sends by itself, over any bind of the user that can receive.
struct mo_stream {
  std::string user{};
  std::string from{};
  std::string to{};
  std::string text{};
  std::chrono::milliseconds interval{1'000};
  std::uint64_t count = 0;  // 0: without end
};

struct simulator_options {
  std::vector<simulator_user> users{};
  std::string system_id = "smppd";
  id_style ids = id_style::decimal;
  std::chrono::milliseconds response_delay{0};
  std::chrono::milliseconds receipt_delay{100};
  bool receipts_before_responses = false;  // an SMSC whose receipts overtake its answers
  // Shares of messages, 0..1. What is not refused is accepted; what is accepted ends as the receipt says.
  double throttle_share = 0;                // ESME_RTHROTTLED
  double error_share = 0;                   // error_status
  smpp::command_status error_status = smpp::command_status::system_error;
  double undelivered_share = 0;             // receipt UNDELIV instead of DELIVRD
  double receipt_loss_share = 0;            // accepted, no receipt ever
  std::uint64_t seed = 1;                   // of the draws, so that a run can be repeated
  std::size_t receipts_max = 1'000'000;     // waiting per user; beyond, the SMSC answers RMSGQFUL
  std::vector<mo_stream> mo{};
  std::string record_file{};                // one JSON line per accepted message, in order
};

class simulator {
 public:
  simulator(asio::any_io_executor executor, simulator_options options, smpp::server_options listen, metrics& registry);
  ~simulator();
  simulator(const simulator&) = delete;
  simulator& operator=(const simulator&) = delete;

  // Errors: of the listening address, or of the record file.
  std::error_code listen();
  [[nodiscard]] std::uint16_t port() const noexcept;

  // Sends one mobile-originated message to the user; false when there is no such user or its queue is full.
  // Text that needs several parts is cut with 8-bit references. It waits for a bind that can receive.
  bool inject_mo(const std::string& user, const std::string& from, const std::string& to, const std::string& text);

  // Users, shares, delays and streams of `options`; sessions stay up.
  void reconfigure(const simulator_options& options);
  void stop(std::function<void()> done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
