// The session without sockets: a component and the text of a server talk in one process.
#include <cstdio>

#include "msgkit/xmppcomp/session.hpp"
#include "msgkit/xmppcomp/stanza.hpp"

namespace xmpp = msgkit::xmppcomp;

int main() {
  const auto now = msgkit::time_point{};  // your event loop's clock
  xmpp::session session({.domain = "sms.example.org", .secret = "test"}, now);
  std::printf("C: %s\n", session.take_output().c_str());

  const std::string_view server =
      "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' "
      "id='3BF96D32' from='sms.example.org'><handshake/>"
      "<message from='alice@example.org/phone' to='+4712345678@sms.example.org'><body>hi &amp; bye</body></message>";
  session.feed(msgkit::as_bytes(server), now);
  while (const auto e = session.next_event()) {
    if (e->kind == xmpp::event_kind::open) std::puts("-- authenticated");
    if (e->kind != xmpp::event_kind::stanza) continue;
    const auto& message = *e->stanza;
    const std::string text(message.child_text("body"));
    std::printf("-- text: %s\n", text.c_str());
    const auto answer = xmpp::make_message(message.get("to"), message.get("from"), "you said " + text, "chat", "a1");
    if (session.send(answer)) (void)session.barrier(1);  // tells when the server has read the answer
  }
  std::printf("C: %s\n", session.take_output().c_str());
}
