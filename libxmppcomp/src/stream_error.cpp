#include "msgkit/xmppcomp/stream_error.hpp"

#include <array>
#include <utility>

#include "msgkit/core/xml_text.hpp"


namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view ns = "urn:ietf:params:xml:ns:xmpp-streams";

using enum stream_condition;
constexpr stream_condition_info table[] = {
    // value                  name                        fatal  blames a stanza
    {bad_format, "bad-format", false, true},
    {bad_namespace_prefix, "bad-namespace-prefix", false, true},
    {conflict, "conflict", true, false},
    {connection_timeout, "connection-timeout", false, false},
    {host_gone, "host-gone", true, false},
    {host_unknown, "host-unknown", true, false},
    {improper_addressing, "improper-addressing", false, true},
    {internal_server_error, "internal-server-error", false, true},
    {invalid_from, "invalid-from", false, true},
    {invalid_id, "invalid-id", false, true},
    {invalid_namespace, "invalid-namespace", false, true},
    {invalid_xml, "invalid-xml", false, true},
    {not_authorized, "not-authorized", true, false},
    {not_well_formed, "not-well-formed", false, true},
    {policy_violation, "policy-violation", false, true},
    {remote_connection_failed, "remote-connection-failed", false, false},
    {reset, "reset", false, false},
    {resource_constraint, "resource-constraint", false, false},
    {restricted_xml, "restricted-xml", false, true},
    {see_other_host, "see-other-host", false, false},
    {system_shutdown, "system-shutdown", false, false},
    {undefined_condition, "undefined-condition", false, true},
    {unsupported_encoding, "unsupported-encoding", true, false},
    {unsupported_feature, "unsupported-feature", true, false},
    {unsupported_stanza_type, "unsupported-stanza-type", false, true},
    {unsupported_version, "unsupported-version", true, false},
    {xml_not_well_formed, "xml-not-well-formed", false, true},
};

constexpr bool is_indexed_by_value() {
  for (std::size_t i = 0; i < std::size(table); ++i)
    if (static_cast<std::size_t>(table[i].value) != i + 1) return false;
  return true;
}
static_assert(is_indexed_by_value());

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "xmpp stream"; }
  std::string message(int value) const override {
    return "stream error " + std::string(to_string(static_cast<stream_condition>(value)));
  }
};

}  // namespace

const stream_condition_info& info(stream_condition c) noexcept {
  const auto index = static_cast<std::size_t>(c) - 1;
  return index < std::size(table) ? table[index] : info(undefined_condition);
}
std::string_view to_string(stream_condition c) noexcept { return info(c).name; }

bool is_stream_error(const element& e) noexcept { return e.is("error", streams_ns); }

stream_error parse_stream_error(const element& e) {
  stream_error found;
  bool has_condition = false;
  for (const auto& child : e.children) {
    if (child.ns != ns) continue;
    if (child.name == "text") {
      found.text = child.text;
      continue;
    }
    if (std::exchange(has_condition, true)) continue;
    for (const auto& row : table)
      if (row.name == child.name) found.condition = row.value;
  }
  return found;
}

void append_stream_error(std::string& out, stream_condition c, std::string_view text) {
  out += "<stream:error><";
  out += to_string(c);
  out += " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
  if (!text.empty()) {
    out += "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>";
    append_xml_text(out, text);
    out += "</text>";
  }
  out += "</stream:error></stream:stream>";
}

const std::error_category& stream_category() noexcept {
  static const category instance;
  return instance;
}
std::error_code make_error_code(stream_condition c) noexcept { return {static_cast<int>(c), stream_category()}; }

}  // namespace msgkit::xmppcomp
