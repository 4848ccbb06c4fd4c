#include "common/http_router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace msgkit::app {
namespace {

constexpr std::size_t path_segments_max = 64;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  out.reserve(static_cast<std::size_t>(std::ranges::count(path, '/')));
  path.remove_prefix(1);  // the leading '/'
  while (true) {
    const auto end = path.find('/');
    out.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return out;
    path.remove_prefix(end + 1);
  }
}

// The decoded segments, or nothing for a path no route can have.
std::optional<std::vector<std::string>> decode_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  const auto segments = static_cast<std::size_t>(std::ranges::count(path, '/'));
  if (segments > path_segments_max) return std::nullopt;
  std::vector<std::string> out;
  out.reserve(segments);
  for (const auto raw : split(path)) {
    auto decoded = percent_decode(raw);
    if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
    out.push_back(*std::move(decoded));
  }
  return out;
}

http_response with_allow(http_response r, const std::vector<std::string>& methods) {
  r.fields.push_back({"Allow", fmt::format("{}", fmt::join(methods, ", "))});
  return r;
}

}  // namespace

struct http_responder::duty {
  explicit duty(send_function s) : send(std::move(s)) {}
  ~duty() {
    if (!answered.load()) send(http_error(500, "no answer was produced"));
  }
  duty(const duty&) = delete;
  duty& operator=(const duty&) = delete;
  send_function send;
  std::atomic<bool> answered{false};
};

http_responder::http_responder(send_function send) : duty_(std::make_shared<duty>(std::move(send))) {}

void http_responder::send(http_response response) const {
  if (!duty_->answered.exchange(true)) duty_->send(std::move(response));
}

std::vector<http_router::segment> http_router::parse_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/')) throw std::invalid_argument(fmt::format("route pattern {}", pattern));
  std::vector<segment> out;
  for (const auto part : split(pattern)) {
    const bool opens = part.starts_with('{');
    if (opens != part.ends_with('}') || (opens && part.size() < 3) ||
        (!opens && part.find_first_of("{}") != std::string_view::npos))
      throw std::invalid_argument(fmt::format("route pattern {}", pattern));
    out.push_back({std::string(opens ? part.substr(1, part.size() - 2) : part), opens});
  }
  return out;
}

http_router& http_router::add(std::string_view method, std::string_view pattern, http_handler handler,
                              http_route_options options) {
  for (const auto& r : routes_)
    if (r.method == method && r.pattern == pattern)
      throw std::invalid_argument(fmt::format("route {} {} exists", method, pattern));
  routes_.push_back({std::string(method), std::string(pattern), parse_pattern(pattern), std::move(handler),
                     std::move(options)});
  return *this;
}

http_router& http_router::add_direct(std::string_view method, std::string_view pattern, http_direct_handler handler,
                                     http_route_options options) {
  return add(
      method, pattern,
      [handler = std::move(handler)](http_request request, const http_responder& responder) {
        responder.send(handler(request));
      },
      std::move(options));
}

http_admission http_router::admit(http_request& head) const {
  http_admission out;
  out.tag = no_route;
  const auto path = decode_path(head.path);
  if (!path && head.path != "*") {
    out.refusal = http_error(404, "no such path");
    return out;
  }
  std::vector<std::string> allowed;
  for (std::size_t i = 0; path && i < routes_.size(); ++i) {
    const auto& r = routes_[i];
    const auto matches = [](const segment& s, const std::string& text) {
      return s.is_parameter ? !text.empty() : s.text == text;
    };
    if (!std::ranges::equal(r.segments, *path, matches)) continue;
    if (r.method == head.method || (r.method == "GET" && head.method == "HEAD")) {
      for (std::size_t k = 0; k < path->size(); ++k)
        if (r.segments[k].is_parameter) head.path_parameters.emplace_back(r.segments[k].text, (*path)[k]);
      out.tag = i;
      out.body_bytes_max = r.options.body_bytes_max;
      if (r.options.guard) out.refusal = r.options.guard(head);
      return out;
    }
    for (const auto& method : {r.method, std::string(r.method == "GET" ? "HEAD" : r.method)})
      if (std::ranges::find(allowed, method) == allowed.end()) allowed.push_back(method);
  }
  if (allowed.empty() && head.path != "*") {
    out.refusal = http_error(404, "no such path");
  } else {
    allowed.push_back("OPTIONS");
    const bool asks = head.method == "OPTIONS";
    out.refusal = with_allow(asks ? http_response{.status = 204} : http_error(405, "method is not allowed here"), allowed);
  }
  return out;
}

void http_router::run(std::size_t tag, http_request request, http_responder responder) const {
  routes_.at(tag).handler(std::move(request), std::move(responder));
}

std::string_view http_router::pattern(std::size_t tag) const noexcept {
  return tag < routes_.size() ? std::string_view(routes_[tag].pattern) : std::string_view{};
}

std::vector<std::string> http_router::list() const {
  std::vector<std::string> out;
  for (const auto& r : routes_) out.push_back(r.method + ' ' + r.pattern);
  return out;
}

}  // namespace msgkit::app
