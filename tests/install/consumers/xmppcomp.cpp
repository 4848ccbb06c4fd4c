// One stanza through the installed parser and writer.
#include <cstdio>
#include <msgkit/xmppcomp/stream_parser.hpp>

namespace xmpp = msgkit::xmppcomp;

int main() {
  xmpp::element sent("message");
  sent.set("to", "alice@example.org").add("body").text = "a < b";
  const std::string stream = "<s:stream xmlns:s='http://etherx.jabber.org/streams' id='1'>" + xmpp::to_xml(sent);
  xmpp::stream_parser parser;
  parser.feed(msgkit::as_bytes(stream));
  bool good = false;
  while (const auto item = parser.next()) good |= *item == xmpp::stream_item::stanza && parser.stanza() == sent;
  std::puts(good ? "xmppcomp works" : "xmppcomp is broken");
  return good ? 0 : 1;
}
