// Whatever a broker sends, in whatever pieces: no crash, and the same events and answers as at once. What decodes
// encodes, and what it encodes to decodes.
#include <cstdlib>
#include <string>

#include "msgkit/bridge/mqtt/session.hpp"

using namespace msgkit;
using namespace msgkit::bridge;

namespace {

const time_point now = time_point{} + std::chrono::hours(1);

std::string run(mqtt::version v, bytes_view octets, std::size_t piece) {
  mqtt::session s({.version = v, .client_id = "fuzz", .receive_maximum = 4, .packet_bytes_max = 4096,
                   .authentication_method = "x"});
  s.connected(now);
  s.clear_output();
  std::string seen;
  std::uint64_t count = 0;
  while (!octets.empty()) {
    const auto n = std::min(piece, octets.size());
    const byte_vector part(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(n));  // dies at once
    octets = octets.subspan(n);
    s.feed(part, now);
    while (const auto e = s.next_event()) {
      seen += std::to_string(static_cast<int>(e->kind)) + " " + std::to_string(e->cookie) + " " +
              std::string(e->message.topic) + "=" + std::string(as_text(e->message.payload)) + " " + e->error.message();
      if (e->kind == mqtt::event_kind::connected) {
        (void)s.publish({.qos = mqtt::qos::at_least_once, .topic = "a"}, 1, now);
        (void)s.publish({.qos = mqtt::qos::exactly_once, .topic = "a"}, 2, now);
        (void)s.subscribe({{.filter = "a/#"}}, 3, now);
      }
      if (e->kind == mqtt::event_kind::message && ++count % 2 == 0) (void)s.acknowledge(e->token);
    }
  }
  return seen + std::string(as_text(s.output()));
}

void round_trip(mqtt::version v, bytes_view octets) {
  while (true) {
    const auto f = mqtt::next_frame(octets, 65'536);
    if (!f || !*f) return;
    if (const auto p = mqtt::decode(**f, v)) {
      byte_vector again;
      std::visit(
          [&](const auto& m) {
            if (!mqtt::encode(m, v, again)) std::abort();
          },
          *p);
      const auto back = mqtt::next_frame(again, 65'536 + 16);
      if (!back || !*back || !mqtt::decode(**back, v)) std::abort();
    }
    octets = octets.subspan((*f)->size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto v = (data[0] & 1) != 0 ? mqtt::version::v5 : mqtt::version::v3_1_1;
  const auto octets = bytes_view{data, size}.subspan(2);
  round_trip(v, octets);
  const auto whole = run(v, octets, octets.size() + 1);
  if (whole != run(v, octets, 1) || whole != run(v, octets, 1 + data[1] % 64u)) std::abort();
  return 0;
}
