// Errors that answer one stanza (RFC 6120 section 8.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "msgkit/xmppcomp/element.hpp"

namespace msgkit::xmppcomp {

enum class stanza_condition : std::uint8_t {
  bad_request = 1,
  conflict,
  feature_not_implemented,
  forbidden,
  gone,
  internal_server_error,
  item_not_found,
  jid_malformed,
  not_acceptable,
  not_allowed,
  not_authorized,
  policy_violation,
  recipient_unavailable,
  redirect,
  registration_required,
  remote_server_not_found,
  remote_server_timeout,
  resource_constraint,
  service_unavailable,
  subscription_required,
  undefined_condition,  // also stands for one we do not know
  unexpected_request,
};
enum class error_type : std::uint8_t { cancel, modify, wait, auth, proceed };  // `continue` is a word of C++

struct stanza_condition_info {
  stanza_condition value;
  std::string_view name;    // as on the wire
  error_type default_type;  // the type RFC 6120 recommends
};
const stanza_condition_info& info(stanza_condition c) noexcept;
std::string_view to_string(stanza_condition c) noexcept;
std::string_view to_string(error_type t) noexcept;

struct stanza_error {
  stanza_error() = default;
  stanza_error(stanza_condition c, std::string_view words = {})  // NOLINT: implicit, with the recommended type
      : condition(c), type(info(c).default_type), text(words) {}
  stanza_error(stanza_condition c, error_type t, std::string_view words = {}) : condition(c), type(t), text(words) {}

  stanza_condition condition = stanza_condition::undefined_condition;
  error_type type = error_type::cancel;
  std::string text{};  // for people
  std::string uri{};   // where the recipient is now, of `gone` and `redirect`

  friend bool operator==(const stanza_error&, const stanza_error&) = default;
};

// The <error/> in a stanza of type error; nullopt without one. An unknown type counts as cancel.
std::optional<stanza_error> parse_stanza_error(const element& stanza);
element make_error_element(const stanza_error& e);

const std::error_category& stanza_category() noexcept;
std::error_code make_error_code(stanza_condition c) noexcept;

}  // namespace msgkit::xmppcomp

template <>
struct std::is_error_code_enum<msgkit::xmppcomp::stanza_condition> : std::true_type {};
