// HTTP requests and responses as values (RFC 9110), and the small conversions handlers need.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace msgkit::app {

struct http_field {
  std::string name;
  std::string value;
};

struct http_request {
  std::string method;  // upper case as received: methods are case-sensitive
  std::string target;  // as received
  std::string path;    // of the target, still percent-encoded, beginning with '/'; "*" for OPTIONS *
  std::string query;   // after '?', still encoded
  std::vector<http_field> fields;
  std::vector<std::pair<std::string, std::string>> path_parameters;  // decoded, filled by the router
  std::string body;
  std::string peer;  // "address:port"
  bool is_http_1_0 = false;

  // First field of that name (case-insensitive), empty when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] std::string_view path_parameter(std::string_view name) const;
  // Decoded; nothing when absent or ill-encoded.
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
};

struct http_response {
  unsigned status = 200;
  std::string body{};
  std::string content_type{"application/json"};  // sent only with a body
  std::vector<http_field> fields{};              // further fields; framing and Date are added by the server
};

http_response http_text(unsigned status, std::string body);
// {"error":{"code":"not_found","message":"..."}}
http_response http_error(unsigned status, std::string_view code, std::string_view message);
// The same with the status's customary code.
http_response http_error(unsigned status, std::string_view message);

// "Not Found"; empty for numbers not registered.
std::string_view http_reason(unsigned status) noexcept;

bool iequals(std::string_view a, std::string_view b) noexcept;
// Nothing for "%", "%4", "%zz".
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// application/x-www-form-urlencoded, e.g. a query. Ill-encoded pairs are left out.
std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);

}  // namespace msgkit::app
