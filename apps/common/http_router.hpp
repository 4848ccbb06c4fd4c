// Routes: method and path pattern to handler. Built before the server starts, then read by all its threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_message.hpp"
#include "common/http_session.hpp"

namespace msgkit::app {

// The duty to answer one request, from any thread, once. Copies share the duty; when the last one goes without an
// answer the client gets 500. Must not outlive the io_context that serves the connection.
class http_responder {
 public:
  using send_function = std::function<void(http_response)>;
  explicit http_responder(send_function send);

  void send(http_response response) const;

 private:
  struct duty;
  std::shared_ptr<duty> duty_;
};

using http_handler = std::function<void(http_request, http_responder)>;
// For answers that are known at once.
using http_direct_handler = std::function<http_response(const http_request&)>;
// Runs when the head is complete, before the body is read. A response refuses the request. See http_auth.hpp.
using http_guard = std::function<std::optional<http_response>(const http_request&)>;

struct http_route_options {
  std::size_t body_bytes_max = 1024 * 1024;  // 413 beyond
  http_guard guard{};
};

class http_router {
 public:
  // `pattern` is a path whose segments may be names in braces: "/messages/{id}/events". Segments match decoded, so
  // "%2F" stays inside its segment. A GET route answers HEAD too. Throws std::invalid_argument for an ill-formed
  // pattern and for a method and pattern that is there already.
  http_router& add(std::string_view method, std::string_view pattern, http_handler handler,
                   http_route_options options = {});
  http_router& add_direct(std::string_view method, std::string_view pattern, http_direct_handler handler,
                          http_route_options options = {});

  // Finds the route of `head` and fills its path parameters. Refuses with 404, 405 + Allow, the guard's answer, or
  // 204 + Allow to OPTIONS. `tag` of the result names the route.
  http_admission admit(http_request& head) const;
  // Precondition: `tag` is from admit().
  void run(std::size_t tag, http_request request, http_responder responder) const;
  // "/messages/{id}", for metrics and logs; "" for a tag that no route has.
  [[nodiscard]] std::string_view pattern(std::size_t tag) const noexcept;
  // "GET /messages/{id}", in the order of add(): for documentation and its tests.
  [[nodiscard]] std::vector<std::string> list() const;

  static constexpr std::size_t no_route = static_cast<std::size_t>(-1);

 private:
  struct segment {
    std::string text;
    bool is_parameter = false;
  };
  struct route {
    std::string method;
    std::string pattern;
    std::vector<segment> segments;
    http_handler handler;
    http_route_options options;
  };
  static std::vector<segment> parse_pattern(std::string_view pattern);
  std::vector<route> routes_;
};

}  // namespace msgkit::app
