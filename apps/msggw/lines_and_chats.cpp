#include "msggw/lines_and_chats.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <chrono>

#include "common/destroy_on.hpp"
#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"lines"};
constexpr logger chat_log_{"chats"};

class lines_observer final : public goip_lines_observer {
 public:
  explicit lines_observer(metrics& registry) : registry_(registry) {}

  void on_line(const std::string& id, goip::line_state, goip::line_state now) override {
    registry_.gauge("goip_line_up", "1: registered and on the network", {{"line", id}}).set(now == goip::line_state::online);
    log_.info("line", {{"id", id}, {"state", goip::to_string(now)}});
  }
  void on_authentication_failed(const goip::authentication_failed&) override {
    registry_.counter("goip_authentication_failures_total", "Datagrams with a wrong id or password").add();
  }
  void on_endpoint_held(const std::string& id, const goip::endpoint&) override {
    count("goip_endpoint_conflicts_total", "Claims to a live line from another address", id);
    log_.warn("another address claims the line", {{"id", id}});
  }
  void on_sent(const std::string& id, const goip::sms_done& done) override {
    registry_.counter("goip_sms_sent_total", "Ends of SMS given to lines",
                      {{"line", id}, {"outcome", std::string(goip::to_string(done.outcome))}}).add();
  }
  void on_inbound(const std::string& id, bool stored) override {
    registry_.counter("goip_inbound_total", "SMS and reports of lines", {{"line", id}, {"stored", stored ? "true" : "false"}}).add();
  }
  void on_stray_report(const std::string& id) override {
    count("goip_stray_reports_total", "Reports about SMS that were not sent from here", id);
  }

 private:
  void count(const char* name, const char* help, const std::string& id) { registry_.counter(name, help, {{"line", id}}).add(); }
  metrics& registry_;
};

class chats_observer final : public xmpp_users_observer {
 public:
  explicit chats_observer(metrics& registry)
      : open_(registry.gauge("xmpp_component_up", "1: the server has taken us as a component")),
        refused_(registry.counter("xmpp_chats_refused_total", "Chats answered with an error")),
        bounced_(registry.counter("xmpp_messages_bounced_total", "Messages the server gave back")) {}

  void on_open() override {
    open_.set(1);
    chat_log_.info("connected to the XMPP server");
  }
  void on_closed(std::error_code why, std::chrono::milliseconds retry_in) override {
    open_.set(0);
    chat_log_.warn("not connected to the XMPP server", {{"reason", why}, {"retry_in_ms", retry_in.count()}});
  }
  void on_refused(const std::string&, xmppcomp::stanza_condition) override { refused_.add(); }
  void on_bounced(const std::string&, xmppcomp::stanza_condition) override { bounced_.add(); }

 private:
  gauge open_;
  counter refused_, bounced_;
};

std::uint64_t seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace

lines_and_chats::lines_and_chats(io_pool& pool, engine::inbox& e, metrics& registry,
                                 const std::optional<goip_lines_options>& lines, const std::optional<xmpp_settings>& chats)
    : lines_executor_(pool.next()), chats_executor_(pool.next()) {
  if (lines)
    lines_ = std::make_unique<goip_lines>(lines_executor_, e, *lines, seconds_now(), std::make_shared<lines_observer>(registry));
  if (chats)
    chats_ = std::make_unique<xmpp_users>(chats_executor_, e, chats->options, std::make_shared<chats_observer>(registry));
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
