#include "msgkit/smpp/net/async_outcomes.hpp"

#include <asio/post.hpp>

namespace msgkit::smpp {
namespace {

std::string message_id_of(const pdu* response) {
  std::string id;
  if (response == nullptr) return id;
  std::visit(
      [&id](const auto& m) {
        if constexpr (requires { m.message_id; }) id = m.message_id;
      },
      static_cast<const pdu_variant&>(*response));
  return id;
}

}  // namespace

std::shared_ptr<async_outcomes::ticket> async_outcomes::open() {
  const auto cookie = cookie_bit | ++last_cookie_;
  open_.try_emplace(cookie);
  return std::make_shared<ticket>(weak_from_this(), cookie);
}

async_outcomes::ticket::~ticket() {
  const auto all = all_.lock();
  if (all && !awaited_) all->open_.erase(cookie_);
}

void async_outcomes::ticket::wait(std::unique_ptr<request_completion> done) {
  const auto all = all_.lock();
  if (!all) return;
  awaited_ = true;
  auto& open = all->open_[cookie_];
  if (!failed_ && !open.has_outcome) {
    open.done = std::move(done);
    return;
  }
  // Never complete inside the initiating function.
  asio::post(all->executor_, [d = std::shared_ptr<request_completion>(std::move(done)),
                              error = failed_ ? failed_ : open.error,
                              id = std::move(open.message_id)] { d->complete(error, id); });
  all->open_.erase(cookie_);
}

bool async_outcomes::finish(const outcome& o) {
  if ((o.cookie & cookie_bit) == 0) return false;
  const auto found = open_.find(o.cookie);
  if (found == open_.end()) return true;  // dropped
  if (!found->second.done) {
    found->second.has_outcome = true;
    found->second.error = o.error;
    found->second.message_id = message_id_of(o.response);
    return true;
  }
  const auto done = std::move(found->second.done);
  open_.erase(found);
  done->complete(o.error, message_id_of(o.response));
  return true;
}

}  // namespace msgkit::smpp
