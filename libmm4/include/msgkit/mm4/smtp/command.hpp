// SMTP commands as a server reads them (RFC 5321 section 4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/result.hpp"

namespace msgkit::mm4::smtp {

enum class verb : std::uint8_t {
  helo, ehlo, mail, rcpt, data, bdat, rset, noop, quit, vrfy, expn, help, starttls, auth, unknown
};

struct command {
  smtp::verb verb = smtp::verb::unknown;
  std::string_view argument{};  // trimmed rest of the line
};
command parse_command(std::string_view line) noexcept;

struct esmtp_parameter {
  std::string_view name{}, value{};
};
struct path_argument {
  std::string_view mailbox{};  // without brackets and source route; empty: the null path <>
  std::vector<esmtp_parameter> parameters{};
};
// The argument of MAIL ("FROM:<...> SIZE=1") and RCPT. Blanks around the colon and missing brackets are taken.
// Nothing when it is not a path: control characters, 8-bit octets, more than 256 octets, unbalanced brackets.
std::optional<path_argument> parse_path(std::string_view argument, std::string_view keyword);

// Whether a mailbox may stand in MAIL or RCPT as it is.
bool is_safe_mailbox(std::string_view mailbox) noexcept;

struct credentials {
  std::string user{}, password{};
};
// base64("authzid NUL user NUL password") (RFC 4616).
std::optional<credentials> parse_plain(std::string_view base64);

}  // namespace msgkit::mm4::smtp
