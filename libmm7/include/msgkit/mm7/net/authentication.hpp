// Who speaks over HTTP: Basic (RFC 7617) and Digest (RFC 7616, MD5 and SHA-256, also with -sess), as client and as server.
// Needs OpenSSL, no socket. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/mm7/http_authorization.hpp"
#include "msgkit/mm7/service.hpp"

namespace msgkit::mm7 {

// The request that is authenticated.
struct http_target {
  std::string_view method = "POST";
  std::string_view uri = "/";  // as in the request line
  bytes_view body{};           // for qop=auth-int
};

enum class client_scheme : std::uint8_t {
  challenged,  // Digest when the peer offers it, else Basic; nothing before it asks
  basic,       // Basic at once, in the first request too
  digest,      // Digest or nothing: the password never travels
};

// Answers the challenges of one peer. What it has learned serves for further requests, so that only the first is refused.
class client_authentication {
 public:
  client_authentication() = default;  // nothing to say
  client_authentication(http_password password, client_scheme scheme = client_scheme::challenged);

  // The value of Authorization; empty when there is none to send yet.
  [[nodiscard]] std::string authorize(const http_target& t);
  // A 401 came, with these values of WWW-Authenticate; `sent` is what authorize() gave for that request. Whether another
  // try makes sense: not when the same password was refused.
  [[nodiscard]] bool challenged(const std::vector<std::string>& values, std::string_view sent);

 private:
  std::string digest(const http_target& t);

  http_password password_;
  client_scheme scheme_ = client_scheme::challenged;
  bool use_basic_ = false;
  std::optional<http_authorization> challenge_;  // of Digest
  std::uint32_t count_ = 0;                      // nc
};

struct server_authentication_options {
  std::string realm = "mm7";
  bool basic = true;
  bool digest = true;  // offers SHA-256, then MD5
  // The user's password, empty for nobody; compared in constant time.
  std::function<std::optional<std::string>(std::string_view user)> password_of{};
  std::chrono::milliseconds nonce_lifetime{5 * 60'000};
  std::size_t nonces_max = 10'000;  // whose counts are kept; the oldest is forgotten and becomes stale
};

// Nonces carry their time under a key of this object's own: none has to be kept until it is used. Each count of a nonce
// is good once; up to 64 may come out of order, as connections in parallel make them.
class server_authentication {
 public:
  explicit server_authentication(server_authentication_options options);

  // The user, or the answer 401 with fresh challenges.
  std::variant<std::string, http_reply> check(const http_target& t, std::string_view authorization, time_point now);

 private:
  struct used_nonce {
    std::string nonce;
    std::uint32_t highest = 0;
    std::uint64_t seen = 0;  // bit i: highest - i was used
  };
  enum class finding : std::uint8_t { good, stale, bad };
  finding check_digest(const http_authorization& a, const http_target& t, time_point now);
  finding use(const std::string& nonce, std::uint32_t count);
  [[nodiscard]] std::string make_nonce(time_point now);
  [[nodiscard]] bool is_fresh(std::string_view nonce, time_point now) const;
  http_reply challenge(bool is_stale, time_point now);

  server_authentication_options options_;
  std::string key_;
  std::uint64_t nonce_count_ = 0;
  std::list<used_nonce> used_;  // oldest first
  std::string forgotten_;       // the highest serial number of a nonce that left used_
  std::unordered_map<std::string, std::list<used_nonce>::iterator> by_nonce_;
};

}  // namespace msgkit::mm7
