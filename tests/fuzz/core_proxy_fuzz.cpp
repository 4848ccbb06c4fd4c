// PROXY headers: whatever arrives is a header, the beginning of one, or refused; and more octets never change a verdict.
#include <cstdlib>

#include "msgkit/core/net/proxy_protocol.hpp"

using namespace msgkit;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  bool decided = false;
  std::size_t length = 0;
  bool good = false;
  for (std::size_t count = 0; count <= size && count <= 2 * proxy_header_bytes_max; ++count) {
    const auto parsed = parse_proxy_header(octets.first(count));
    if (decided) {
      check(parsed.has_value() == good);
      if (good) check(*parsed && (*parsed)->length == length);
      continue;
    }
    if (parsed && !*parsed) {
      check(count < proxy_header_bytes_max);  // no peer can make us wait for more
      continue;
    }
    decided = true;
    good = parsed.has_value();
    if (!good) continue;
    length = (*parsed)->length;
    check(length == count);  // found as soon as it was complete
    if (const auto& source = (*parsed)->source) check(!source->address.empty() && !source->to_string().empty());
  }
  return 0;
}
