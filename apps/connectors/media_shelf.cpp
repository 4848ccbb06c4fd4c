#include "connectors/media_shelf.hpp"

#include <algorithm>

#include "common/digest.hpp"
#include "common/log.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"media"};
constexpr std::size_t token_octets = 16;

}  // namespace

std::string make_media_token() { return to_hex(as_bytes(random_octets(token_octets))); }

bool is_media_token(std::string_view text) noexcept {
  return text.size() == 2 * token_octets &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool media_shelf::keep(medium m, kept done) {
  auto shared = std::make_shared<const medium>(std::move(m));
  return queue_->run([this, shared, done = std::move(done)] {
    const auto token = make_media_token();
    const bool good = store_->put(token, *shared);
    if (!good) log_.error("a medium cannot be kept", {{"reason", store_->problem()}});
    done(good ? token : std::string());
  });
}

bool media_shelf::find(std::string token, found done) {
  return queue_->run([this, token = std::move(token), done = std::move(done)] {
    std::optional<medium> m;
    if (is_media_token(token) && !store_->get(token, driver_clock::wall_now(), m)) {
      log_.error("media cannot be read", {{"reason", store_->problem()}});
      return done(media_find::failed, {});
    }
    if (m) done(media_find::found, *m);
    else done(media_find::absent, {});
  });
}

bool media_shelf::remove(std::string token, std::function<void(bool)> done) {
  return queue_->run([this, token = std::move(token), done = std::move(done)] {
    const bool good = !is_media_token(token) || store_->remove(token);
    if (!good) log_.error("a medium cannot be removed", {{"reason", store_->problem()}});
    done(good);
  });
}

void media_shelf::sweep() {
  (void)queue_->run([this] {
    if (store_->remove_expired(driver_clock::wall_now())) sweep();
  });
}

}  // namespace msgkit::app
