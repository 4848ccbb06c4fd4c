// Whatever a server sends: the stream gives the same items whole, octet by octet and in random pieces; each stanza
// is written so that it reads as itself again; a session on it never answers an answer and ends at most once.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "msgkit/xmppcomp/session.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"
#include "msgkit/xmppcomp/xep/presence.hpp"
#include "msgkit/xmppcomp/xep/responder.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr xml_limits limits{.stanza_bytes_max = 8 * 1024, .elements_max = 256, .depth_max = 16};

struct run {
  std::vector<std::string> items{};
  std::vector<element> stanzas{};
  bool failed = false;
};

void drain(stream_parser& parser, run& r) {
  while (const auto item = parser.next()) {
    require(!r.failed);
    if (*item == stream_item::stanza) {
      r.items.push_back(to_xml(parser.stanza()));
      r.stanzas.push_back(parser.stanza());
    } else if (*item == stream_item::failed) {
      r.failed = true;
    } else {
      r.items.push_back(*item == stream_item::header ? "header " + parser.header().id : "end");
    }
  }
}

// Piece sizes come from the input itself; 0 means all at once.
run parse(bytes_view octets, std::size_t piece) {
  stream_parser parser(limits);
  run r;
  if (piece == 0) piece = octets.size() + 1;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    parser.feed(octets.subspan(at, std::min(piece, octets.size() - at)));
    drain(parser, r);
  }
  return r;
}

void check_stanza(const element& e) {
  require(is_writable(e));
  std::string again = "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept'>";
  append_xml(again, e);
  stream_parser parser({.stanza_bytes_max = 1 << 20, .token_bytes_max = 1 << 20, .attribute_bytes_max = 1 << 16});
  run r;
  parser.feed(as_bytes(again));
  drain(parser, r);
  require(!r.failed && r.stanzas.size() == 1 && to_xml(r.stanzas[0]) == to_xml(e));
  (void)classify(e), (void)delay_of(e), (void)receipt_id(e), (void)parse_stanza_error(e), (void)parse_stream_error(e);
  (void)answer_presence(e, {});
  gateway_directory directory;
  responder answers({.domain = "sms.localhost"}, directory);
  const auto answer = answers.answer(e, time_point{});
  require(answer.has_value() == is_request(e));
  require(!answer || is_response(*answer));
}

void run_session(bytes_view octets, std::size_t piece) {
  session s({.domain = "sms.localhost", .secret = "test", .limits = limits}, time_point{});
  int ends = 0, confirmed = 0, lost = 0, asked = 0;
  const auto take = [&] {
    while (const auto e = s.next_event()) {
      require(ends == 0);
      ends += e->kind == event_kind::closed;
      confirmed += e->kind == event_kind::confirmed;
      lost += e->kind == event_kind::lost;
      if (e->kind == event_kind::open && s.barrier(1)) ++asked;
    }
    (void)s.take_output();
  };
  if (piece == 0) piece = octets.size() + 1;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    s.feed(octets.subspan(at, std::min(piece, octets.size() - at)), time_point{});
    take();
  }
  s.disconnected({});
  take();
  require(ends == 1 && confirmed + lost == asked);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets(data, size);
  const auto whole = parse(octets, 0);
  const std::size_t piece = 1 + (size > 0 ? data[size - 1] % 7 : 0);
  for (const std::size_t each : {std::size_t{1}, piece + 1}) {
    const auto pieces = parse(octets, each);
    // Where limits end a stream depends on the pieces; what came before does not.
    const auto common = std::min(pieces.items.size(), whole.items.size());
    require(std::equal(whole.items.begin(), whole.items.begin() + static_cast<std::ptrdiff_t>(common),
                       pieces.items.begin()));
    require(pieces.items.size() == whole.items.size() || (pieces.failed && whole.failed));
  }
  for (const auto& e : whole.stanzas) check_stanza(e);
  run_session(octets, 0);
  run_session(octets, piece);
  return 0;
}
