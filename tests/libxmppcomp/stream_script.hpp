// A server's stream as text, and what our parser makes of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msgkit/xmppcomp/stream_parser.hpp"

namespace msgkit::xmppcomp {

inline const std::string stream_open =
    "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
    "id='3BF96D32' from='sms.localhost' xmlns='jabber:component:accept' xml:lang='en'>";

// Everything that can be seen of a parse, in order, as text.
struct parse_log {
  std::vector<std::string> items{};
  bool failed = false;
  stream_condition error{};

  friend bool operator==(const parse_log&, const parse_log&) = default;
};

inline void drain(stream_parser& parser, parse_log& log) {
  while (const auto item = parser.next()) {
    switch (*item) {
      case stream_item::header:
        log.items.push_back("header id=" + parser.header().id + " from=" + parser.header().from);
        break;
      case stream_item::stanza: log.items.push_back(to_xml(parser.stanza())); break;
      case stream_item::end: log.items.push_back("end"); break;
      case stream_item::failed:
        log.failed = true;
        log.error = parser.error();
        log.items.push_back("failed " + std::string(to_string(parser.error())));
    }
  }
}

// Cuts `stream` into pieces of `piece` octets; 0: all at once.
inline parse_log parse_in_pieces(std::string_view stream, std::size_t piece = 0, const xml_limits& limits = {}) {
  stream_parser parser(limits);
  parse_log log;
  if (piece == 0) piece = stream.size() + 1;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    parser.feed(as_bytes(stream.substr(at, piece)));
    drain(parser, log);
  }
  return log;
}

inline std::vector<element> read_stanzas(std::string_view stream) {
  stream_parser parser;
  std::vector<element> read;
  parser.feed(as_bytes(stream));
  while (const auto item = parser.next())
    if (*item == stream_item::stanza) read.push_back(parser.stanza());
  return read;
}

}  // namespace msgkit::xmppcomp
