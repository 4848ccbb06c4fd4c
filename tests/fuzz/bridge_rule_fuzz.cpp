// Patterns, templates and payload transformations from users, names and payloads from peers: no crash, and a capture is
// part of the name it came from. Input: kind octet, then pattern, template and name on a line each.
#include <cstdlib>

#include "msgkit/bridge/rules/rule.hpp"
#include "msgkit/core/bytes.hpp"

using namespace msgkit;
using namespace msgkit::bridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  auto text = as_text({data + 1, size - 1});
  const auto line = [&text] {
    const auto end = text.find('\n');
    const auto l = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return std::string(l);
  };
  rule_config c;
  c.name = "fuzz";
  c.source = line();
  c.target = line();
  const auto kind = data[0] % 4;
  if (kind == 1) c.from = endpoint::channel, c.is_pattern = true, c.to = endpoint::mqtt;
  if (kind == 2) c.regex = c.source, c.source = "#";
  if (kind == 3) c.payload = payload_form::pick, c.pick = c.source, c.source = "#";
  std::vector<rule_error> errors;
  const auto rules = rule_set::make(std::vector{c, c}, errors);
  const message m{.from = c.from, .name = text, .payload = text};
  if (!rules.rules().empty()) {
    std::vector<capture> captures;
    if (rules.rules()[0].source().match(m.name, captures))
      for (const auto& found : captures)
        if (!found.value.empty() && m.name.find(found.value) == std::string_view::npos) std::abort();
  }
  std::vector<delivery> out;
  (void)rules.apply(m, 0, out);
  std::string back;
  if (!base64_decoded(base64_encoded(text), back) || back != text) std::abort();
  (void)json_envelope(m, 0);
  return 0;
}
