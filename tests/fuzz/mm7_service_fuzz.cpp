// Any request has exactly one reply, an unanswered one too, and every 200 is an MM7 message that can be read.
#include <cstdlib>

#include "msgkit/mm7/service.hpp"

using namespace msgkit;

namespace {

void try_as(std::string_view content_type, bytes_view body, bool answers) {
  int replies = 0;
  mm7::service service({.limits = {.mime = {.part_count_max = 20, .depth_max = 4}, .elements_max = 200, .recipients_max = 20},
                        .pending_max = 4,
                        .transactions_max = 4},
                       [answers](const std::shared_ptr<mm7::incoming>& m) {
                         if (answers) m->answer({}, "m-1");
                       });
  for (int i = 0; i < 2; ++i) {
    service.handle({.content_type = content_type, .body = body}, time_point{}, [&replies](const mm7::http_reply& r) {
      ++replies;
      if (r.status == 200 && !mm7::decode(r.content_type, r.body)) std::abort();
    });
  }
  if (replies != 2 || service.pending_count() != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view body{data, size};
  try_as("text/xml", body, true);
  try_as("multipart/related; boundary=B; start=\"<e>\"", body, false);
  return 0;
}
