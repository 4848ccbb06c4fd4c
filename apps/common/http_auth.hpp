// HTTP authentication (RFC 7617 Basic, RFC 6750 Bearer).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/http_router.hpp"

namespace msgkit::app {

struct http_credentials {
  std::string user;
  std::string password;
};

// The request's Basic credentials; nothing when absent or ill-formed.
std::optional<http_credentials> basic_credentials(const http_request& request);
// The request's Bearer token; empty when absent.
std::string_view bearer_token(const http_request& request);

// "192.0.2.1" of an http_request::peer like "192.0.2.1:5060", "2001:db8::1" of "[2001:db8::1]:5060"; a view into it.
std::string_view address_of_peer(std::string_view peer) noexcept;

// 401 with a Basic challenge unless `verify` accepts the credentials. `verify` compares in constant time, e.g. with
// constant_time_equal() or password_verifier.
http_guard require_basic(std::string realm, std::function<bool(const http_credentials&)> verify);
// One key: accepted as Bearer token or as password of Basic with any user name, compared in constant time.
// An empty key refuses everybody.
http_guard require_api_key(std::string realm, std::string key);

// RFC 4648 section 4, padding required. Nothing for other characters or a wrong length.
std::optional<std::string> base64_decode(std::string_view text);
std::string base64_encode(std::string_view octets);

}  // namespace msgkit::app
