// The values of WWW-Authenticate and Authorization (RFC 9110 section 11): schemes with parameters. What is computed from
// them is in net/authentication.hpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "msgkit/core/result.hpp"

namespace msgkit::mm7 {

constexpr std::size_t authorization_bytes_max = 8 * 1024;

struct http_authorization {
  std::string scheme{};  // as sent; compare with is()
  std::string token{};   // of schemes without parameters, e.g. the base64 of Basic
  std::vector<std::pair<std::string, std::string>> parameters{};  // names in lower case, values unquoted

  [[nodiscard]] bool is(std::string_view scheme_name) const noexcept;  // any case
  // The first of that name; empty when absent.
  [[nodiscard]] std::string_view get(std::string_view lower_case_name) const noexcept;
  [[nodiscard]] bool has(std::string_view lower_case_name) const noexcept;
};

// One value of Authorization, or the list of challenges in one WWW-Authenticate.
// Errors: http_malformed with the offset: not the grammar, over authorization_bytes_max, a parameter twice.
result<std::vector<http_authorization>> parse_http_authorization(std::string_view value);
// `text` in quotes. Control characters must not occur in it.
std::string quoted(std::string_view text);

struct http_password {
  std::string user{};
  std::string password{};
};
// RFC 7617, in UTF-8. A user with a colon cannot be expressed: http_malformed.
result<std::string> basic_authorization(const http_password& p);
// Errors: http_malformed for other schemes, and for what is not base64 of user:password.
result<http_password> parse_basic_authorization(const http_authorization& a);

}  // namespace msgkit::mm7
