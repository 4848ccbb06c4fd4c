// smppc send: one message, its answers, and if asked its receipts.
#pragma once

#include <string>
#include <vector>

#include "smppc/message_text.hpp"
#include "smppc/target.hpp"

namespace msgkit::app {

struct send_options {
  target_options target{};
  text_options text{};
  std::string from{};
  std::string to{};
  bool receipt = false;              // ask for a receipt
  bool wait_receipt = false;         // and wait for it
  double wait_seconds = 60;
  std::string validity{};            // SMPP time, or seconds
  std::string schedule{};
  std::string service_type{};
  std::uint8_t priority = 0;
  std::uint8_t protocol_id = 0;
  std::vector<std::string> tlvs{};   // "0x1400=68656c6c6f" or "0x1400=text:hello"
  bool json = false;
};

// Exit code: 0 all parts accepted and, when waited for, delivered; 1 refused, failed or not bound; 2 usage;
// 3 accepted, but the receipt says otherwise or did not come.
int run_send(send_options& o);

}  // namespace msgkit::app
