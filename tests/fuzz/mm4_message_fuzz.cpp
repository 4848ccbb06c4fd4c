// Any octets are a message or an error. A message that can be written again is read back the same.
#include <cstdlib>

#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/exchange.hpp"

using namespace msgkit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  const mm4::peer_profile tolerant{.assume_forward = true, .recipients_max = 50};
  const auto first = mm4::decode(octets, tolerant);
  if (!first) {
    (void)mm4::status_for(first.error());
    return 0;
  }
  (void)mm4::describe(first->message);
  (void)mm4::make_envelope(first->message, tolerant);
  mm4::exchange exchange;
  (void)exchange.receive("peer", first->message, {}, tolerant, time_point{});
  const auto written = mm4::encode(first->message, tolerant);
  if (!written) return 0;  // a mandatory element is missing, or a value cannot be written
  const auto second = mm4::decode(*written, tolerant);
  if (!second) std::abort();
  const auto again = mm4::encode(second->message, tolerant);
  if (!again || *again != *written) std::abort();
  return 0;
}
