// smppc decode: PDUs from hex, hex dumps, files or standard input, as JSON.
#pragma once

#include <string>
#include <vector>

namespace msgkit::app {

struct decode_options {
  std::vector<std::string> hex{};  // arguments; empty: read `file`, or standard input
  std::string file{};              // "-": standard input. Whatever read_capture() takes
};

// One JSON object per PDU. Exit code: 0 when at least one PDU was produced and the input ended with a whole one,
// 1 when octets are not a PDU, with the reason on standard error, 2 usage.
int run_decode(const decode_options& o);

}  // namespace msgkit::app
