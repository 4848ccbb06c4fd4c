// A server session and an application that accepts what it is told to.
#pragma once

#include <string>
#include <vector>

#include "msgkit/mm4/smtp/server_session.hpp"

namespace msgkit::mm4::smtp::test {

inline const time_point start = time_point{} + std::chrono::hours(1);

struct received_mail {
  std::string from;
  std::vector<std::string> to;
  std::string content;
  friend bool operator==(const received_mail&, const received_mail&) = default;
};

// Collects whole messages; answers 250 at once unless told otherwise.
class server_script {
 public:
  explicit server_script(server_session_options o = {}) : session(o, start) {}

  // What the server says to this.
  std::string say(std::string_view octets, std::size_t piece = 1 << 20) {
    while (!octets.empty()) {
      const auto count = std::min(piece, octets.size());
      // A copy that dies, so that a view kept too long is found.
      const byte_vector part(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(count));
      octets.remove_prefix(count);
      session.feed(part, now);
      drain();
    }
    return output();
  }
  std::string output() {
    const auto octets = session.take_output();
    return std::string(as_text(octets));
  }
  void drain() {
    while (const auto e = session.next_event()) {
      switch (e->kind) {
        case server_event_kind::authenticate:
          session.answer(e->text == "user" && e->password == "secret" ? make_reply(235, "2.7.0", "ok") : make_reply(535, "5.7.8", "no"), now);
          break;
        case server_event_kind::start_tls: tls_wanted = true; break;
        case server_event_kind::mail:
          current = {.from = std::string(e->text), .to = {}, .content = {}};
          session.answer(e->text == "bad@x" ? make_reply(550, "5.1.8", "no") : make_reply(250, "2.1.0", "ok"), now);
          break;
        case server_event_kind::recipient:
          if (!e->text.starts_with("bad")) current.to.emplace_back(e->text);
          session.answer(e->text.starts_with("bad") ? make_reply(550, "5.1.1", "no") : make_reply(250, "2.1.5", "ok"), now);
          break;
        case server_event_kind::data_begin: current.content.clear(); break;
        case server_event_kind::data: current.content += as_text(e->octets); break;
        case server_event_kind::data_end:
          waiting = true;
          if (!hold) store(make_reply(250, "2.0.0", "stored"));
          break;
        case server_event_kind::data_aborted: ++aborted; break;
        case server_event_kind::closed: closed = true; reason = e->reason; break;
      }
    }
  }
  void store(const reply& r) {
    if (!waiting) return;
    waiting = false;
    if (r.is_positive()) mails.push_back(current);
    session.answer(r, now);
    drain();
  }

  time_point now = start;
  server_session session;
  received_mail current;
  std::vector<received_mail> mails;
  bool hold = false, waiting = false, tls_wanted = false, closed = false;
  int aborted = 0;
  std::error_code reason;
};

}  // namespace msgkit::mm4::smtp::test
