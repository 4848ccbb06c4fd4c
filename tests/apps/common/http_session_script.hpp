// Runs octets through an http_session with an echoing handler: shared by the tests and the fuzz target.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_session.hpp"
#include "msgkit/core/bytes.hpp"

namespace msgkit::app {

struct script_options {
  std::size_t piece_bytes = static_cast<std::size_t>(-1);  // how much is fed at a time
  std::size_t body_bytes_max = 1024 * 1024;
};

struct script_result {
  std::vector<http_request> requests;
  std::string output;
  bool closing = false;  // the session has ended the connection, or will once the peer has read
};

// Every request is answered "ok" at once, except that "/refuse" is refused with 404 at its head. Time stands still.
inline script_result run_http_script(std::string_view octets, const script_options& options = {}) {
  script_result out;
  const time_point now{};
  http_session session(
      {},
      [&](http_request& head) {
        http_admission a{.body_bytes_max = options.body_bytes_max};
        if (head.path == "/refuse") a.refusal = http_error(404, "no such path");
        return a;
      },
      now);
  while (!octets.empty()) {
    const auto piece = octets.substr(0, options.piece_bytes);
    octets.remove_prefix(piece.size());
    session.feed(as_bytes(piece), now);
    while (auto incoming = session.next_request()) {
      out.requests.push_back(std::move(incoming->request));
      session.respond(incoming->id, http_text(200, "ok"), now);
    }
    out.output += session.take_output();
  }
  // A session that lingers or has finished ends within its linger time.
  session.on_time(now + http_limits{}.linger_timeout);
  out.closing = session.finished();
  return out;
}

}  // namespace msgkit::app
