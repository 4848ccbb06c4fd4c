// Captures and dumps: nothing that comes out is longer than what went in, and there is a reason when nothing does.
#include <cstdlib>

#include "smppc/capture.hpp"

using namespace msgkit;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto found = app::read_capture(std::string(as_text(bytes_view{data, size})));
  std::size_t total = 0;
  for (const auto& s : found.streams) {
    check(!s.octets.empty() || s.name.empty());
    total += s.octets.size();
  }
  check(total <= size);
  check(!found.streams.empty() || !found.problem.empty());
  return 0;
}
