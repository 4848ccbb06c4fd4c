// Writes a SubmitReq and reads it back.
#include <cstdio>
#include <msgkit/mm7/codec.hpp>

namespace mm7 = msgkit::mm7;

int main() {
  mm7::submit_req m;
  m.vasp_id = "consumer";
  m.recipients.to = {{.value = "+12025550101"}};
  const auto out = mm7::encode({.transaction_id = "t-1", .operation = m});
  const auto back = out ? mm7::decode(out->content_type, out->body) : mm7::errc::operation_missing;
  const bool works = back && mm7::name_of(back->envelope.operation) == "SubmitReq";
  std::puts(works ? "mm7 works" : "mm7 is broken");
  return works ? 0 : 1;
}
