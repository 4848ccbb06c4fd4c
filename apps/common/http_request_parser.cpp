#include "common/http_request_parser.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <limits>

#include "common/http_chunk_decoder.hpp"

namespace msgkit::app {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string_view view(beast::string_view s) { return {s.data(), s.size()}; }

bool is_digits(std::string_view s) {
  return !s.empty() && s.size() <= 18 && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

// uri-host [":" port] without user information (RFC 9110 section 7.2).
bool is_host(std::string_view s) {
  return std::ranges::all_of(s, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~!$&'()*+;=:[]%").find(c) != std::string_view::npos;
  });
}

// Splits origin-form, absolute-form and "*" (RFC 9112 section 3.2). False for anything else.
bool split_target(http_request& r) {
  std::string_view rest = r.target;
  if (rest == "*" && r.method == "OPTIONS") {
    r.path = "*";
    return true;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (rest.size() < scheme.size() || !iequals(rest.substr(0, scheme.size()), scheme)) continue;
    rest.remove_prefix(scheme.size());
    const auto authority = std::min(rest.find_first_of("/?"), rest.size());
    if (authority == 0 || !is_host(rest.substr(0, authority))) return false;
    rest.remove_prefix(authority);
    if (!rest.starts_with('/')) {
      r.path = "/";
      if (!rest.empty()) r.query = rest.substr(1);
      return true;
    }
    break;
  }
  if (!rest.starts_with('/') || rest.find('#') != std::string_view::npos) return false;
  const auto mark = std::min(rest.find('?'), rest.size());
  r.path = rest.substr(0, mark);
  if (mark < rest.size()) r.query = rest.substr(mark + 1);
  return true;
}

}  // namespace

struct http_request_parser::impl {
  explicit impl(const http_head_limits& limits) : scanner(limits) {
    parser.header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.head_bytes_max, 1 << 30)) + 64);
    parser.body_limit(std::numeric_limits<std::int64_t>::max());  // limit_body() has the limit
  }

  progress fail(unsigned status, const char* reason, std::size_t consumed = 0) {
    failure = {status, reason};
    failed = true;
    return {consumed, step::failed};
  }

  progress feed_head(bytes_view octets) {
    const auto verdict = scanner.scan(octets);
    if (verdict == http_head_scanner::verdict::need_more) return {0, step::need_more};
    if (verdict == http_head_scanner::verdict::refused) return fail(scanner.status(), scanner.reason());
    const auto head = octets.subspan(scanner.start(), scanner.length() - scanner.start());
    beast::error_code ec;
    parser.put({head.data(), head.size()}, ec);
    if (ec == http::error::bad_version) return refuse_version(head);
    if (ec == http::error::bad_target) return fail(400, "ill-formed request target");
    if (ec && ec != http::error::need_more) return fail(400, "ill-formed request head");
    if (!parser.is_header_done()) return fail(400, "ill-formed request head");
    if (const auto* const why = take_head()) return fail(400, why);
    if (expects && !iequals(request.header("Expect"), "100-continue")) return fail(417, "unknown expectation");
    head_done = true;
    chunked = parser.chunked();
    declared = parser.content_length() ? *parser.content_length() : 0;
    body_done = !chunked && declared == 0;
    return {scanner.length(), step::head};
  }

  progress refuse_version(bytes_view head) {
    const auto line = as_text(head).substr(0, as_text(head).find('\r'));
    const auto version = line.substr(line.rfind(' ') + 1);
    const bool is_http = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
    return is_http ? fail(505, "neither version 1.0 nor 1.1") : fail(400, "ill-formed request line");
  }

  // Copies the head out and applies our policy. Returns what is wrong with it, or null.
  const char* take_head() {
    const auto& message = parser.get();
    request.method = view(message.method_string());
    request.target = view(message.target());
    request.is_http_1_0 = message.version() == 10;
    std::size_t hosts = 0, lengths = 0, codings = 0;
    for (const auto& field : message) {
      request.fields.push_back({std::string(view(field.name_string())), std::string(view(field.value()))});
      const auto& value = request.fields.back().value;
      if (field.name() == http::field::host) {
        ++hosts;
        if (!is_host(value)) return "ill-formed Host";
      } else if (field.name() == http::field::content_length) {
        ++lengths;
        if (!is_digits(value)) return "ill-formed Content-Length";
      } else if (field.name() == http::field::transfer_encoding) {
        ++codings;
        if (!iequals(value, "chunked")) return "transfer coding is not chunked";
      } else if (field.name() == http::field::expect) {
        expects = true;
      }
    }
    if (hosts > 1) return "more than one Host";
    if (hosts == 0 && !request.is_http_1_0) return "Host is missing";
    if (lengths > 1) return "more than one Content-Length";
    if (codings > 1) return "more than one Transfer-Encoding";
    if (lengths + codings > 1) return "both Content-Length and Transfer-Encoding";
    if (codings != 0 && request.is_http_1_0) return "Transfer-Encoding on HTTP/1.0";
    if (!split_target(request)) return "ill-formed request target";
    return nullptr;
  }

  progress feed_body(bytes_view octets) {
    if (chunked) {
      std::size_t consumed = 0;
      switch (chunks.feed(octets, body_bytes_max, keep_body, request.body, consumed)) {
        case http_chunk_decoder::verdict::need_more: return {consumed, step::need_more};
        case http_chunk_decoder::verdict::refused: return fail(400, "ill-formed chunked body", consumed);
        case http_chunk_decoder::verdict::too_large: return fail(413, "body is too large", consumed);
        case http_chunk_decoder::verdict::complete: break;
      }
      body_done = true;
      return {consumed, step::complete};
    }
    if (declared > body_bytes_max) return fail(413, "body is too large");
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(declared - body_bytes, octets.size()));
    if (keep_body) request.body += as_text(octets.first(count));
    body_bytes += count;
    body_done = body_bytes == declared;
    return {count, body_done ? step::complete : step::need_more};
  }

  http_head_scanner scanner;
  http::request_parser<http::empty_body> parser;  // reads the head, never the body
  http_chunk_decoder chunks;
  http_request request;
  failure_info failure;
  std::uint64_t declared = 0;
  std::uint64_t body_bytes = 0;
  std::size_t body_bytes_max = 0;
  bool keep_body = true;
  bool chunked = false;
  bool body_done = false;
  bool head_done = false;
  bool failed = false;
  bool expects = false;
};

http_request_parser::http_request_parser(const http_head_limits& limits) : impl_(std::make_unique<impl>(limits)) {}
http_request_parser::~http_request_parser() = default;
http_request_parser::http_request_parser(http_request_parser&&) noexcept = default;
http_request_parser& http_request_parser::operator=(http_request_parser&&) noexcept = default;

http_request_parser::progress http_request_parser::feed(bytes_view octets) {
  if (impl_->failed) return {0, step::failed};
  return impl_->head_done ? impl_->feed_body(octets) : impl_->feed_head(octets);
}

void http_request_parser::limit_body(std::size_t octets, bool keep) {
  impl_->body_bytes_max = octets;
  impl_->keep_body = keep;
}

http_request& http_request_parser::request() { return impl_->request; }
bool http_request_parser::keep_alive() const { return impl_->parser.keep_alive(); }
bool http_request_parser::expects_continue() const { return impl_->expects && !impl_->request.is_http_1_0; }
bool http_request_parser::has_body() const { return !impl_->body_done; }

std::uint64_t http_request_parser::declared_bytes() const { return impl_->declared; }

const http_request_parser::failure_info& http_request_parser::failure() const { return impl_->failure; }

}  // namespace msgkit::app
