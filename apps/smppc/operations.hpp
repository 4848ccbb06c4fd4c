// smppc query, cancel, replace and the broadcast commands: one request, and its answer as it came.
#pragma once

#include <string>
#include <vector>

#include "smppc/message_text.hpp"
#include "smppc/target.hpp"

namespace msgkit::app {

enum class operation : std::uint8_t { query, cancel, replace, broadcast, query_broadcast, cancel_broadcast };

struct operation_options {
  target_options target{};
  operation what = operation::query;
  std::string message_id{};
  std::string from{};               // the source address the message was sent with
  std::string to{};                 // cancel: with an empty message_id, all messages to this address
  std::string service_type{};
  text_options text{};              // replace, broadcast
  std::string validity{}, schedule{};
  bool receipt = false;             // replace
  std::uint8_t priority = 0;        // broadcast
  // broadcast (SMPP 5.0); the specification demands the first four
  std::vector<std::string> areas{};      // names of areas, or "hex:" and format octet and details
  std::string content_type{"0:0"};       // network (0 generic, 1 GSM, 2 TDMA, 3 CDMA) and kind of service
  std::uint16_t repetitions = 1;
  std::string frequency{"0"};            // between repetitions: "30s", "5m", "2h", "1d"; "0": as often as possible
  std::vector<std::string> tlvs{};
  bool json = false;
};

// Prints the answer. Exit code: 0 answered ok; 1 refused, failed or not bound; 2 usage.
int run_operation(operation_options& o);

}  // namespace msgkit::app
