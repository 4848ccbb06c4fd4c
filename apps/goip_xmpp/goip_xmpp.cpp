#include "goip_xmpp/goip_xmpp.hpp"

#include <asio/post.hpp>
#include <future>
#include <thread>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/log.hpp"
#include "connectors/engine_metrics.hpp"
#include "goip_xmpp/bot.hpp"
#include "goip_xmpp/config.hpp"
#include "goip_xmpp/goip_xmpp_observer.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"goip_xmpp"};
constexpr std::chrono::seconds lines_drain_time{4}, engine_drain_time{2};

class goip_xmpp final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_goip_xmpp_config(reader); }

  bool start(daemon_context& context) override {
    context_ = &context;
    executor_ = context.pool.executor(0);
    observer_ = std::make_shared<goip_xmpp_observer>(context.metrics);
    return start_engine() && start_sides() && start_http();
  }

  std::function<void()> reload(config_reader& reader) override {
    (void)read_goip_xmpp_config(reader);
    return {};
  }

  // Lines first: what the engine does not get rid of stays in the store.
  void drain(std::function<void()> done) override {
    health_.set_draining();
    users_->drain();
    drainer_ = std::thread([this, done = std::move(done)] {
      std::promise<void> quiet;
      lines_->stop(lines_drain_time, [&quiet] { quiet.set_value(); });
      quiet.get_future().wait();
      if (!engine_->stop(engine_drain_time)) log_.warn("messages were still on their way: their outcome is unknown");
      users_->stop(done);
    });
  }

  void stop() override {
    if (drainer_.joinable()) drainer_.join();
    checks_.clear();
    collected_.reset();
    if (http_) http_->close();
    destroy_on_executor();
    engine_.reset();
    observer_.reset();
  }

 private:
  bool start_engine() {
    std::string problem;
    auto store = open_store(config_.store, problem);
    if (!store) {
      log_.error("cannot open the store", {{"reason", problem}});
      return false;
    }
    const auto log = [](bool is_error, std::string_view line) {
      if (is_error) log_.error(line);
      else log_.info(line);
    };
    engine_ = std::make_unique<engine::engine>(
        config_.engine, std::make_shared<const engine::route_table>(config_.routes), std::move(store), nullptr, log);
    if (const auto started = engine_->start(); !started) {
      log_.error("cannot load the store", {{"reason", started.error().code}, {"detail", engine_->store_error_text()}});
      return false;
    }
    collected_ = collect_engine_metrics(context_->metrics, *engine_, "goip_xmpp_engine");
    return true;
  }

  // On the executor: a datagram may come as soon as the socket is open.
  bool start_sides() {
    std::promise<bool> started;
    asio::post(executor_, [&] { started.set_value(open_sides()); });
    return started.get_future().get();
  }
  bool open_sides() try {
    using namespace std::chrono;
    const auto now = duration_cast<seconds>(system_clock::now().time_since_epoch());
    lines_ = std::make_unique<goip_lines>(executor_, *engine_, config_.goip, static_cast<std::uint64_t>(now.count()),
                                          observer_);
    auto xmpp = config_.xmpp;
    xmpp.command = [this](const xmpp_user& user, const std::string& number, const std::string& text) {
      return bot_ && bot_->take(user, number, text);
    };
    users_ = std::make_unique<xmpp_users>(executor_, *engine_, std::move(xmpp), observer_);
    bot_ = std::make_unique<bot>(config_, *lines_, *users_);
    observer_->set_ussd([this](const std::string& line, const std::string& text) {
      if (bot_) bot_->push_ussd(line, text);
    });
    if (const auto opened = lines_->start(); !opened) {
      log_.error("cannot serve the lines", {{"key", opened.error().field}, {"reason", opened.error().code}});
      return false;
    }
    users_->start();
    log_.info("ready", {{"goip_port", lines_->port()}});
    return true;
  } catch (const std::system_error& e) {
    log_.error("impossible configuration", {{"reason", std::string_view(e.what())}});
    return false;
  }

  bool start_http() {
    if (config_.http.port == 0) return true;
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics);
    checks_.push_back(health_.add("store", [this] {
      return engine_->ready() ? readiness{} : readiness{false, "the store cannot commit, or the engine is stopping"};
    }));
    checks_.push_back(health_.add("xmpp", [this] {
      return observer_->is_connected() ? readiness{} : readiness{false, "no connection to the XMPP server"};
    }));
    http_server_options options;
    options.listen.listen_host = config_.http.host;
    options.listen.listen_port = config_.http.port;
    http_ = std::make_unique<http_server>(context_->executor, router, options);
    if (const auto ec = http_->listen()) {
      log_.error("cannot listen", {{"key", "http.listen"}, {"port", config_.http.port}, {"reason", ec}});
      return false;
    }
    return true;
  }

  // Sockets and timers belong to the executor.
  void destroy_on_executor() {
    std::promise<void> gone;
    asio::post(executor_, [&] {
      bot_.reset();
      lines_.reset();
      users_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  goip_xmpp_config config_;
  daemon_context* context_ = nullptr;
  asio::any_io_executor executor_;
  health_registry health_;
  std::vector<std::shared_ptr<void>> checks_;
  std::shared_ptr<goip_xmpp_observer> observer_;
  std::unique_ptr<engine::engine> engine_;
  std::shared_ptr<void> collected_;
  std::unique_ptr<goip_lines> lines_;
  std::unique_ptr<xmpp_users> users_;
  std::unique_ptr<bot> bot_;
  std::unique_ptr<http_server> http_;
  std::thread drainer_;
};

}  // namespace

std::unique_ptr<daemon> make_goip_xmpp() { return std::make_unique<goip_xmpp>(); }

}  // namespace msgkit::app
