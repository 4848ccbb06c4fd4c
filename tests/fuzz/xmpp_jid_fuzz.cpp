// Addresses: a parsed one is its own normal form; escaping comes back; any sender becomes a local part, and any local
// part that is a number becomes the same number again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "msgkit/core/bytes.hpp"
#include "msgkit/xmppcomp/address.hpp"
#include "msgkit/xmppcomp/jid.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"
#include "msgkit/core/xml_text.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text({data, size}));
  if (const auto parsed = jid::parse(text)) {
    const auto normal = parsed->to_string();
    const auto again = jid::parse(normal);
    require(again && *again == *parsed && again->to_string() == normal);
    require(is_xml_text(normal) && normal.size() <= 3 * jid_part_bytes_max + 2);
    require(jid::parse(parsed->bare().to_string()).has_value());
  }
  if (const auto escaped = escape_local(text)) {
    require(jid::make(*escaped, "a").has_value());
    require(unescape_local(*escaped) == lower(text));
    require(escaped->size() <= jid_part_bytes_max);
  }
  const auto unescaped = unescape_local(text);
  require(unescaped.size() <= text.size());

  const auto local = local_of_sender(text);
  require(!local.empty() && jid::make(local, "a").has_value());
  for (const number_rules& rules : {number_rules{}, number_rules{.country_code = "49"}}) {
    const auto number = number_of_local(text, rules);
    if (!number) continue;
    require(number_of_local(*number, rules).has_value() && local_of_sender(*number) == *number);
  }
  if (const auto time = parse_xmpp_time(text)) require(parse_xmpp_time(to_xmpp_time(*time)) == time);
  require(is_xml_text(clean_xml_text(text)));
  return 0;
}
