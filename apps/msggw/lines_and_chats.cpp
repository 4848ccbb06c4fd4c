#include "msggw/lines_and_chats.hpp"

#include <asio/post.hpp>
#include <atomic>

#include "common/destroy_on.hpp"
#include "common/log.hpp"
#include "connectors/line_monitors.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"lines"};

}  // namespace

lines_and_chats::lines_and_chats(io_pool& pool, engine::inbox& e, metrics& registry,
                                 const std::optional<goip_lines_options>& lines,
                                 const std::optional<xmpp_settings>& chats)
    : lines_executor_(pool.next()), chats_executor_(pool.next()) {
  if (lines)
    lines_ = std::make_unique<goip_lines>(lines_executor_, e, *lines, std::make_shared<lines_monitor>(registry));
  if (chats)
    chats_ =
        std::make_unique<xmpp_users>(chats_executor_, e, chats->options, std::make_shared<chats_monitor>(registry));
}

lines_and_chats::~lines_and_chats() { close(); }

bool lines_and_chats::start(std::string& problem) {
  if (lines_) {
    const auto started = run_on(lines_executor_, [this] { return lines_->start(); });
    if (!started) {
      problem = "goip." + std::string(started.error().field) + ": " + started.error().code.message();
      return false;
    }
    log_.info("ready", {{"goip_port", lines_->port()}});
  }
  if (chats_) chats_->start();
  return true;
}

void lines_and_chats::drain() {
  if (chats_) chats_->drain();
}

void lines_and_chats::stop(std::chrono::milliseconds limit, std::function<void()> done) {
  auto left = std::make_shared<std::atomic<int>>((lines_ ? 1 : 0) + (chats_ ? 1 : 0) + 1);
  const auto one_done = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  if (lines_) asio::post(lines_executor_, [this, limit, one_done] { lines_->stop(limit, one_done); });
  if (chats_) chats_->stop(one_done);
  one_done();
}

void lines_and_chats::close() {
  destroy_on(lines_executor_, lines_);
  destroy_on(chats_executor_, chats_);
}

}  // namespace msgkit::app
