#include "common/http_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/log_line.hpp"

namespace msgkit::app {
namespace {

struct status_info {
  unsigned status;
  std::string_view reason;
  std::string_view code;
};
constexpr status_info statuses[] = {
    {100, "Continue", ""},
    {200, "OK", ""},
    {201, "Created", ""},
    {202, "Accepted", ""},
    {204, "No Content", ""},
    {301, "Moved Permanently", ""},
    {302, "Found", ""},
    {303, "See Other", ""},
    {304, "Not Modified", ""},
    {307, "Temporary Redirect", ""},
    {308, "Permanent Redirect", ""},
    {400, "Bad Request", "bad_request"},
    {401, "Unauthorized", "unauthorized"},
    {402, "Payment Required", "payment_required"},
    {403, "Forbidden", "forbidden"},
    {404, "Not Found", "not_found"},
    {405, "Method Not Allowed", "method_not_allowed"},
    {406, "Not Acceptable", "not_acceptable"},
    {408, "Request Timeout", "request_timeout"},
    {409, "Conflict", "conflict"},
    {410, "Gone", "gone"},
    {411, "Length Required", "length_required"},
    {412, "Precondition Failed", "precondition_failed"},
    {413, "Content Too Large", "content_too_large"},
    {414, "URI Too Long", "uri_too_long"},
    {415, "Unsupported Media Type", "unsupported_media_type"},
    {416, "Range Not Satisfiable", "range_not_satisfiable"},
    {417, "Expectation Failed", "expectation_failed"},
    {422, "Unprocessable Content", "unprocessable_content"},
    {429, "Too Many Requests", "too_many_requests"},
    {431, "Request Header Fields Too Large", "header_too_large"},
    {500, "Internal Server Error", "internal_error"},
    {501, "Not Implemented", "not_implemented"},
    {502, "Bad Gateway", "bad_gateway"},
    {503, "Service Unavailable", "service_unavailable"},
    {504, "Gateway Timeout", "gateway_timeout"},
    {505, "HTTP Version Not Supported", "version_not_supported"},
};

const status_info* find_status(unsigned status) {
  const auto* const it = std::ranges::lower_bound(statuses, status, {}, &status_info::status);
  return it != std::end(statuses) && it->status == status ? it : nullptr;
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view http_request::header(std::string_view name) const {
  for (const auto& field : fields)
    if (iequals(field.name, name)) return field.value;
  return {};
}

std::string_view http_request::path_parameter(std::string_view name) const {
  for (const auto& [key, value] : path_parameters)
    if (key == name) return value;
  return {};
}

std::optional<std::string> http_request::query_value(std::string_view name) const {
  for (auto& [key, value] : parse_form(query))
    if (key == name) return std::move(value);
  return std::nullopt;
}

http_response http_text(unsigned status, std::string body) {
  return {.status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8"};
}

http_response http_error(unsigned status, std::string_view code, std::string_view message) {
  http_response out{.status = status};
  out.body = R"({"error":{"code":")";
  append_json_escaped(out.body, code);
  out.body += R"(","message":")";
  append_json_escaped(out.body, message);
  out.body += "\"}}";
  return out;
}

http_response http_error(unsigned status, std::string_view message) {
  const auto* const info = find_status(status);
  return http_error(status, info == nullptr || info->code.empty() ? "error" : info->code, message);
}

std::string_view http_reason(unsigned status) noexcept {
  const auto* const info = find_status(status);
  return info == nullptr ? std::string_view{} : info->reason;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const auto equal = std::min(pair.find('='), pair.size());
    auto key = percent_decode(pair.substr(0, equal), true);
    auto value = percent_decode(equal < pair.size() ? pair.substr(equal + 1) : std::string_view{}, true);
    if (key && value) out.emplace_back(*std::move(key), *std::move(value));
  }
  return out;
}

}  // namespace msgkit::app
