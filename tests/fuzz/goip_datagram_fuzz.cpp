// Whatever octets arrive, in either direction: no crash; what is accepted and can be said again means the same, and its
// JSON is UTF-8.
#include <cstdlib>

#include "msgkit/core/utf.hpp"
#include "msgkit/goip/codec.hpp"
#include "msgkit/goip/describe.hpp"
#include "msgkit/goip/text.hpp"

using namespace msgkit;
using namespace msgkit::goip;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// A text that goes to the end of the datagram loses one line end, because devices add one: such a text does not come back
// as it was.
template <class Message>
bool ends_in_line_end(const Message& m, bytes_view said) {
  const bool has_line_feed = std::visit([](const auto& each) {
    if constexpr (requires { each.line_feed; }) return each.line_feed;
    else return false;
  }, m);
  const auto text = as_text(said.first(said.size() - (has_line_feed ? 1 : 0)));
  return text.ends_with('\n') || text.ends_with('\r') || text.ends_with('\0');
}

template <class Message, class Parse>
void check(bytes_view octets, Parse parse) {
  diagnostics notes;
  const auto m = parse(octets, &notes);
  if (!m) {
    require(m.error().offset <= octets.size());
    return;
  }
  const auto json = to_json(*m, {.with_secrets = true});
  require(is_valid_utf8(json) && json.find('\n') == json.npos);
  require(to_json(*m).size() <= 8 * octets.size() + 4096);
  byte_vector said, again;
  if (!encode(*m, said)) {
    require(said.empty());
    return;
  }
  const auto parsed = parse(said, nullptr);
  require(parsed.has_value() && parsed->index() == m->index());
  if (!ends_in_line_end(*m, said)) require(encode(*parsed, again).has_value() && again == said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  check<device_message>(octets, [](bytes_view o, diagnostics* n) { return parse_from_device(o, n); });
  check<server_message>(octets, [](bytes_view o, diagnostics* n) { return parse_from_server(o, n); });
  const auto text = clean_text(as_text(octets));
  require(is_valid_utf8(text) && text == clean_text(text));
  (void)split_error(as_text(octets));
  return 0;
}
