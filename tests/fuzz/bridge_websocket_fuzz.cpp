// Whatever a WebSocket server sends, in whatever pieces: no crash, the same octets, answers and error as at once.
#include <cstdlib>
#include <string>

#include "msgkit/bridge/websocket/client.hpp"

using namespace msgkit;
using namespace msgkit::bridge;

namespace {

constexpr std::string_view upgrade =
    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: a\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

std::string run(bool upgraded, bytes_view octets, std::size_t piece) {
  websocket::client c({.host = "h", .key = "k", .accept = "a", .mask = [] { return 7U; }, .response_bytes_max = 512});
  if (!c.start()) std::abort();
  if (upgraded && !c.feed(as_bytes(upgrade))) std::abort();
  result<void> done;
  while (done && !octets.empty()) {
    const auto n = std::min(piece, octets.size());
    done = c.feed(octets.first(n));
    octets = octets.subspan(n);
  }
  return std::string(as_text(c.received())) + "|" + std::string(as_text(c.output())) + "|" +
         (done ? std::string() : done.error().code.message() + std::string(done.error().field));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto octets = bytes_view{data, size}.subspan(2);
  const bool upgraded = (data[0] & 1) != 0;
  const auto whole = run(upgraded, octets, octets.size() + 1);
  if (whole != run(upgraded, octets, 1) || whole != run(upgraded, octets, 1 + data[1] % 64u)) std::abort();
  return 0;
}
