// smppc load: as many messages as the peer takes, or at a fixed rate, with the latencies it showed.
#pragma once

#include <string>

#include "smppc/target.hpp"

namespace msgkit::app {

struct load_options {
  target_options target{};
  std::size_t binds = 1;
  std::uint64_t count = 0;      // messages; 0: until `seconds` have passed
  double seconds = 10;          // used without count
  double rate = 0;              // messages per second over all binds; 0: as fast as the windows allow
  std::string from = "447700900000";
  std::string to = "447700900123";
  std::string text = "msgkit load message {n}";  // {n} becomes the number of the message
  std::string mix{};            // "LENGTH:WEIGHT,..." instead of the text, see load_messages.hpp
  double warm_up_seconds = 0;   // answers to what was due before do not count into the latencies
  bool receipts = false;        // ask for receipts and count them
  double receipt_wait_seconds = 10;  // how long to wait for the last ones
  std::string acked_file{};     // one line per accepted message: number, message_id
  bool reconnect = false;       // go on after a lost bind; messages without an answer are sent again
  double interval_seconds = 0;  // print a line each time so much has passed; 0: never
  bool histogram = false;       // print the distribution of latencies
  bool json = false;
  bool quiet = false;
};

// One message here is one submit_sm. Exit code: 0 when every message was answered ok (and every receipt came),
// 1 otherwise, 2 usage.
int run_load(load_options& o);

}  // namespace msgkit::app
