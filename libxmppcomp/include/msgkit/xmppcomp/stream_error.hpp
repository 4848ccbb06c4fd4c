// Errors that end a stream (RFC 6120 section 4.9).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "msgkit/xmppcomp/element.hpp"

namespace msgkit::xmppcomp {

enum class stream_condition : std::uint8_t {
  bad_format = 1,
  bad_namespace_prefix,
  conflict,
  connection_timeout,
  host_gone,
  host_unknown,
  improper_addressing,
  internal_server_error,
  invalid_from,
  invalid_id,  // RFC 3920
  invalid_namespace,
  invalid_xml,
  not_authorized,
  not_well_formed,
  policy_violation,
  remote_connection_failed,
  reset,
  resource_constraint,
  restricted_xml,
  see_other_host,
  system_shutdown,
  undefined_condition,  // also stands for one we do not know
  unsupported_encoding,
  unsupported_feature,
  unsupported_stanza_type,
  unsupported_version,
  xml_not_well_formed,  // RFC 3920's name of not_well_formed
};

struct stream_condition_info {
  stream_condition value;
  std::string_view name;  // as on the wire
  bool is_fatal;          // trying again soon will not help: somebody has to change a configuration
  bool blames_stanza;     // something in what we sent is the reason, most likely
};
const stream_condition_info& info(stream_condition c) noexcept;
std::string_view to_string(stream_condition c) noexcept;

struct stream_error {
  stream_condition condition = stream_condition::undefined_condition;
  std::string text{};
};
// Of <stream:error/>.
stream_error parse_stream_error(const element& e);
bool is_stream_error(const element& e) noexcept;
// <stream:error/> and the end of our stream.
void append_stream_error(std::string& out, stream_condition c, std::string_view text = {});

// Conditions as error codes, whoever reported them.
const std::error_category& stream_category() noexcept;
std::error_code make_error_code(stream_condition c) noexcept;

}  // namespace msgkit::xmppcomp

template <>
struct std::is_error_code_enum<msgkit::xmppcomp::stream_condition> : std::true_type {};
