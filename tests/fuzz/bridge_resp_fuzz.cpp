// Whatever Redis sends, in whatever pieces: no crash, bounded depth, the same events as at once; and no map of a
// cluster that names nodes that there are not.
#include <array>
#include <cstdlib>
#include <string>

#include "msgkit/bridge/redis/cluster.hpp"
#include "msgkit/bridge/redis/session.hpp"

using namespace msgkit;
using namespace msgkit::bridge;

namespace {

const time_point now = time_point{} + std::chrono::hours(1);

std::string shown(const redis::value& v) {
  std::string out = std::to_string(static_cast<int>(v.kind())) + std::string(v.text()) + std::to_string(v.integer());
  for (const auto child : v) out += "(" + shown(child) + ")";
  return out;
}

// Any reply as the map of a cluster, any error as a redirect: every owner is one of the nodes.
void take_for_map(const redis::value& v) {
  redis::cluster_map map;
  if (!map.learn(v, {"h", 1}) && map.is_known()) std::abort();
  if (redis::redirect r; redis::parse_redirect(v.text(), r)) (void)map.follow(r, {"h", 1});
  if (map.nodes().size() > redis::cluster_map::nodes_max) std::abort();
  for (std::uint16_t slot = 0; slot < redis::slot_count; slot = static_cast<std::uint16_t>(slot + 97))
    if (map.owner_index(slot) > map.nodes().size() || (map.owner(slot) != nullptr && map.owner(slot)->port == 0))
      std::abort();
}

std::string run(bool resp3, bytes_view octets, std::size_t piece) {
  redis::session s({.password = "p",
                    .resp3 = resp3,
                    .limits = {.line_bytes_max = 256,
                               .bulk_bytes_max = 1024,
                               .reply_bytes_max = 4096,
                               .elements_max = 64,
                               .depth_max = 5}});
  s.connected(now);
  s.clear_output();
  std::string seen;
  while (!octets.empty()) {
    const auto n = std::min(piece, octets.size());
    const byte_vector part(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(n));
    octets = octets.subspan(n);
    s.feed(part, now);
    while (const auto e = s.next_event()) {
      seen += std::to_string(static_cast<int>(e->kind)) + " " + std::to_string(e->cookie) + shown(e->reply) +
              std::string(e->channel) + std::string(e->payload) + ";";
      if (e->kind == redis::event_kind::reply) take_for_map(e->reply);
      if (e->kind == redis::event_kind::ready) {
        (void)s.command(std::array<std::string_view, 1>{"PING"}, 1, now);
        (void)s.subscribe("SUBSCRIBE", std::array<std::string_view, 2>{"a", "b"}, 2, now);
        (void)s.command(std::array<std::string_view, 1>{"PING"}, 3, now);
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto octets = bytes_view{data, size}.subspan(2);
  const bool resp3 = (data[0] & 1) != 0;
  const auto whole = run(resp3, octets, octets.size() + 1);
  if (whole != run(resp3, octets, 1) || whole != run(resp3, octets, 1 + data[1] % 64u)) std::abort();
  return 0;
}
