// The HTTP session must take any octets, and how they are cut must not change what it makes of them.
#include <cstdint>
#include <cstdlib>

#include "../apps/common/http_session_script.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace msgkit;
  const auto octets = as_text(bytes_view{data, size});
  const auto whole = app::run_http_script(octets);
  // One octet at a time for short inputs, a size drawn from the input for long ones.
  const std::size_t piece = size < 512 ? 1 : 1 + data[size / 2];
  const auto cut = app::run_http_script(octets, {.piece_bytes = piece});
  if (cut.output != whole.output || cut.closing != whole.closing || cut.requests.size() != whole.requests.size())
    std::abort();
  for (std::size_t i = 0; i < cut.requests.size(); ++i) {
    const auto& a = cut.requests[i];
    const auto& b = whole.requests[i];
    if (a.method != b.method || a.target != b.target || a.body != b.body || a.fields.size() != b.fields.size()) std::abort();
  }
  return 0;
}
