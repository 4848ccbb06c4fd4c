// Where the octets of MMS are kept until they expire. Each medium has a token of 128 random bits, which is all that
// anybody needs to fetch it, and all that finds it: there is no list.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

struct medium {
  std::string type{}, name{};  // as in mms_medium
  wall_time expires_at{};      // from then on it is as if it had never been
  std::string content{};
};

// One thread at a time. Calls block.
class media_store {
 public:
  virtual ~media_store() = default;
  // True: it is durable.
  virtual bool put(const std::string& token, const medium& m) = 0;
  // False: the store failed, and says nothing about the medium. Expired ones are not found.
  virtual bool get(const std::string& token, wall_time now, std::optional<medium>& out) = 0;
  // True also when there is none; durable as put() is.
  virtual bool remove(const std::string& token) = 0;
  // Of a limited number at a time; true when there may be more.
  virtual bool remove_expired(wall_time now) = 0;
  // Of the last call that failed; one line.
  [[nodiscard]] virtual std::string problem() const = 0;
};

// 32 hexadecimal digits.
std::string make_media_token();
bool is_media_token(std::string_view text) noexcept;

}  // namespace msgkit::app
