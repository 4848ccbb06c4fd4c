#include "msggw/message_log.hpp"

#include "common/log.hpp"
#include "msggw/media/mm4_directory.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"messages"};

}  // namespace

void message_log::set(const directory_snapshot& managed) {
  auto fresh = std::make_shared<accounts>();
  for (const auto& [id, c] : managed.all<client>())
    if (!c->log_privacy) fresh->insert({"client:" + c->username, mm4_endpoint_of(*c)});
  const std::lock_guard lock(mutex_);
  open_ = std::move(fresh);
}

void message_log::write(std::span<const engine::record> committed) const {
  std::shared_ptr<const accounts> open;
  {
    const std::lock_guard lock(mutex_);
    open = open_;
  }
  for (const auto& r : committed) {
    if (r.content == nullptr || (!r.is_new && !r.progress->settled)) continue;
    const auto& c = *r.content;
    const auto& p = *r.progress;
    // Both sides are asked: a message between two clients is in full when both want it so.
    const auto hides = [&](std::string_view account) {
      return account.starts_with("client:") && !open->contains(account);
    };
    const bool is_open =
        !hides(c.account) && !hides(p.endpoint) && (open->contains(c.account) || open->contains(p.endpoint));
    log_.info(p.settled ? "message ended" : "message accepted",
              {{"id", r.id.text()},
               {"kind", c.kind == engine::message_kind::receipt ? "receipt" : "sms"},
               {"account", c.account},
               {"endpoint", p.endpoint},
               {"from", is_open ? c.source.value : masked_number(c.source.value)},
               {"to", is_open ? c.destination.value : masked_number(c.destination.value)},
               {"state", engine::name(p.state)},
               {"attempts", p.attempts},
               {"error", p.error.code}});
  }
}

}  // namespace msgkit::app
