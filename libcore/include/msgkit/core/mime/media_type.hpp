// Content-Type and Content-Disposition: a value with parameters (RFC 2045 section 5.1, RFC 2183, RFC 2231).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace msgkit::mime {

struct parameter {
  std::string name{};   // lower case
  std::string value{};  // unquoted; RFC 2231 values are joined, decoded and converted to UTF-8
};

// What is understood besides the grammar: blanks around ';' and '=', a missing ';' between parameters, blanks inside
// unquoted values are their end, any case of names. Of repeated names the first counts.
struct value_with_parameters {
  std::string value{};  // up to the first ';', trimmed, as sent
  std::vector<parameter> parameters{};

  // The value of a parameter, or null.
  [[nodiscard]] const std::string* find(std::string_view lower_case_name) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view lower_case_name) const noexcept;  // empty without one
};
value_with_parameters parse_parameters(std::string_view field);

struct media_type {
  std::string type = "text";      // lower case
  std::string subtype = "plain";
  std::vector<parameter> parameters{};

  [[nodiscard]] std::string essence() const { return type + '/' + subtype; }
  [[nodiscard]] bool is(std::string_view lower_case_essence) const noexcept;
  [[nodiscard]] bool is_multipart() const noexcept { return type == "multipart"; }
  [[nodiscard]] const std::string* find(std::string_view lower_case_name) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view lower_case_name) const noexcept;
};

// An empty or unreadable value is text/plain (RFC 2045 section 5.2). application/vnd.wap.multipart.x is multipart/x.
media_type parse_media_type(std::string_view field);

// "type/subtype; name=value", values quoted where the grammar asks for it.
std::string to_string(const media_type& type);
// As an RFC 2045 token if it is one, else quoted. Control characters must not occur in `value`.
std::string quote_parameter(std::string_view value);

}  // namespace msgkit::mime
