// Whatever a server says: no crash, one outcome for each message sent, and nothing but commands and the message goes out.
#include <cstdlib>

#include "msgkit/mm4/smtp/client_session.hpp"

using namespace msgkit;
using namespace msgkit::mm4::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  client_session_options o;
  o.use_pipelining = (data[0] & 1) != 0;
  o.use_chunking = (data[0] & 2) != 0;
  o.can_tls = (data[0] & 4) != 0;
  if ((data[0] & 8) != 0) o.user = "user", o.password = "password", o.auth_without_tls = true;
  const std::size_t piece = 1 + data[1] % 64u;
  const time_point now = time_point{} + std::chrono::hours(1);
  client_session s(o, now);
  const std::string content = "Subject: x\r\n\r\n.hello\r\n";
  std::size_t sent = 0, outcomes = 0;
  const auto drain = [&] {
    while (const auto e = s.next_event()) {
      if (e->kind == client_event_kind::start_tls) s.tls_started(now);
      if (e->kind == client_event_kind::outcome) ++outcomes;
      if (e->kind == client_event_kind::ready && s.is_ready() && s.send({"a@b", {"c@d", "e@f"}, as_bytes(content), 1}, now)) ++sent;
    }
    for (int i = 0; i < 10 && s.has_more(); ++i) s.produce(now);
    s.clear_output();
  };
  for (auto rest = bytes_view{data, size}.subspan(2); !rest.empty();) {
    const byte_vector part(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(piece, rest.size())));
    rest = rest.subspan(part.size());
    s.feed(part, now);
    drain();
  }
  s.disconnected({});
  drain();
  if (sent != outcomes || !s.is_closed()) std::abort();
  return 0;
}
