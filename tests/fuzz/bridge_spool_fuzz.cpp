// Whatever a spool's directory holds: no crash, and what a relay makes of the records it finds keeps its limits.
// Input: a segment file. With an odd first octet the rest is one record with a right checksum instead.
#include <cstdlib>

#include "../libbridge/spool/memory_files.hpp"
#include "msgkit/bridge/relay/relay.hpp"

using namespace msgkit;
using namespace msgkit::bridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const auto disk = std::make_shared<memory_disk>();
  const auto octets = as_text({data + 1, size - 1});
  if ((data[0] & 1) == 0) {
    disk->files[1].octets = octets;
  } else {
    const auto writer = spool::open(std::make_unique<memory_files>(disk), {});
    if (!writer || !(*writer)->append(as_bytes(octets))) std::abort();
  }
  relay_options o;
  const auto made = spool::open(std::make_unique<memory_files>(disk), {});
  if (!made) std::abort();
  o.spool = *made;
  relay r({}, o);
  r.connected(link::writer, time_point{}, wall_time{});
  r.feed(link::writer, as_bytes("%0\r\n"), time_point{}, wall_time{});
  r.connected(link::mqtt, time_point{}, wall_time{});
  const std::uint8_t connack[] = {0x20, 3, 0, 0, 0};
  r.feed(link::mqtt, connack, time_point{}, wall_time{});
  if (o.spool->waiting() > 4096 / 17) std::abort();
  return 0;
}
