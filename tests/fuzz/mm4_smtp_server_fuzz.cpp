// Whatever a client says, in whatever pieces: no crash, replies only, one answer per message, and pieces make no difference
// (except for what was written behind DATA and STARTTLS, which is refused when it comes too early).
#include <cstdlib>

#include "../libmm4/smtp/server_script.hpp"

using namespace msgkit;
using mm4::smtp::test::server_script;

namespace {

struct outcome {
  std::string output;
  std::vector<mm4::smtp::test::received_mail> mails;
  bool closed = false;
  bool operator==(const outcome&) const = default;
};

// 0xFF separates what is written at different times.
outcome run(std::string_view input, std::size_t piece) {
  mm4::smtp::server_session_options o;
  o.message_bytes_max = 4'096;
  o.command_line_max = 128;
  o.input_bytes_max = 1 << 20;
  o.offer_tls = o.offer_auth = o.auth_without_tls = true;
  server_script s(o);
  outcome result;
  while (!input.empty()) {
    const auto end = std::min(input.find('\xFF'), input.size());
    result.output += s.say(input.substr(0, end), piece);
    if (s.tls_wanted) {
      s.tls_wanted = false;
      s.session.tls_started(s.now);
    }
    input.remove_prefix(std::min(input.size(), end + 1));
  }
  s.session.disconnected({});
  s.drain();
  result.output += s.output();
  result.mails = s.mails;
  result.closed = s.closed;
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = as_text(bytes_view{data, size});
  const auto whole = run(input, 1 << 20);
  if (!whole.closed) std::abort();
  for (const auto& m : whole.mails)
    if (m.content.size() > 4'096) std::abort();
  const auto one = run(input, 1);
  const bool early = whole.output.find("data before 354") != std::string::npos || whole.output.find("behind STARTTLS") != std::string::npos;
  const bool tls = whole.output.find("go ahead") != std::string::npos || one.output.find("go ahead") != std::string::npos;
  if (!early && !tls && !(one == whole)) std::abort();
  return 0;
}
