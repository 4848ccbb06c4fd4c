// Any body is a message or an error, alone or in a multipart. A message that can be written again is read back the same.
#include <cstdlib>

#include "msgkit/mm7/codec.hpp"

using namespace msgkit;

namespace {

void try_as(std::string_view content_type, bytes_view body) {
  const mm7::limits limits{.mime = {.part_count_max = 20, .depth_max = 4}, .elements_max = 200, .recipients_max = 20};
  std::string id;
  const auto first = mm7::decode(content_type, body, limits, &id);
  if (!first) {
    const auto fault = mm7::encode(mm7::make_fault(first.error(), id, true));
    if (!fault || !mm7::decode(fault->content_type, fault->body)) std::abort();
    return;
  }
  for (const auto* p : first->parts()) (void)mime::decode(*p, 10'000);
  const auto written = mm7::encode(first->envelope);
  if (!written || first->envelope.transaction_id.empty()) return;
  const auto second = mm7::decode(written->content_type, written->body);
  if (!second) {
    // Without its parts a reference to content leads nowhere.
    if (second.error().code != mm7::errc::content_missing) std::abort();
    return;
  }
  const auto again = mm7::encode(second->envelope);
  if (!again || again->body != written->body) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view body{data, size};
  try_as("text/xml", body);
  try_as("multipart/related; boundary=B; start=\"<e>\"", body);
  return 0;
}
