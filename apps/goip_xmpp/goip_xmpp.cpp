#include "goip_xmpp/goip_xmpp.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <future>
#include <thread>

#include "common/destroy_on.hpp"
#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/log.hpp"
#include "connectors/engine_metrics.hpp"
#include "goip_xmpp/bot.hpp"
#include "goip_xmpp/bridge_monitor.hpp"
#include "goip_xmpp/config.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"goip_xmpp"};
constexpr std::chrono::seconds lines_drain_time{4}, engine_drain_time{2};
constexpr std::chrono::milliseconds poll_interval{500};  // for what the command line has written
constexpr std::int64_t purge_seconds = 3'600;

// What one look into the records has found.
struct found_in_records {
  std::uint64_t version = 0;
  std::vector<stored_line> lines{};
  std::set<std::string> switched_off{};
  std::vector<ussd_job> jobs{};
};

found_in_records look_into(records& r) {
  return {.version = r.version(), .lines = r.lines(), .switched_off = r.switched_off(), .jobs = r.take_jobs()};
}

class goip_xmpp final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_goip_xmpp_config(reader); }

  bool start(daemon_context& context) override {
    context_ = &context;
    executor_ = context.pool.executor(0);
    return open_records() && start_engine() && start_sides() && start_http();
  }

  // Lines, users, notices and log_days; the rest wants a restart.
  std::function<void()> reload(config_reader& reader) override {
    auto fresh = std::make_shared<goip_xmpp_config>(read_goip_xmpp_config(reader));
    return [this, fresh] {
      run_on(executor_, [&] {
        config_.goip.lines = fresh->goip.lines;
        config_.xmpp.options.users = fresh->xmpp.options.users;
        config_.xmpp.ways = fresh->xmpp.ways;
        config_.notices = fresh->notices;
        config_.log_time = fresh->log_time;
        apply();
        return true;
      });
    };
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
    collected_.clear();
    if (http_) http_->close();
    if (recorder_) recorder_->stop();  // it posts to the executor
    destroy_on(executor_, poll_timer_);
    destroy_on(executor_, lines_);
    destroy_on(executor_, users_);
    bot_.reset();
    engine_.reset();
  }

 private:
  bool open_records() {
    std::string problem;
    auto opened = records::open(config_.records_path, problem);
    if (!opened) {
      log_.error("cannot open the records", {{"reason", problem}});
      return false;
    }
    known_ = look_into(*opened);
    plan_ = std::make_shared<bridge_plan>(make_plan(config_, known_.lines, known_.switched_off));
    recorder_ = std::make_unique<recorder>(std::move(opened));
    return true;
  }

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
        config_.engine, std::make_shared<const engine::route_table>(plan_->routes), std::move(store), nullptr, log);
    if (const auto started = engine_->start(); !started) {
      log_.error("cannot load the store", {{"reason", started.error().code}, {"detail", engine_->store_error_text()}});
      return false;
    }
    collected_.push_back(collect_engine_metrics(context_->metrics, *engine_, "goip_xmpp_engine"));
    collected_.push_back(context_->metrics.on_collect([this](metric_sink& out) {
      out.counter("goip_xmpp_records_dropped_total", "Calls and states that were not written: the disk is too slow",
                  static_cast<double>(recorder_->dropped()));
    }));
    return true;
  }

  // On the executor: a datagram may come as soon as the socket is open.
  bool start_sides() {
    return run_on(executor_, [this] { return open_sides(); });
  }
  bool open_sides() try {
    bot_ = std::make_unique<bot>(*recorder_);
    const auto line_seen = [this](const std::string& id, goip::line_state before, goip::line_state now) {
      on_line(id, before, now);
    };
    const auto lines_seen = std::make_shared<bridge_lines>(context_->metrics, *recorder_, *bot_, line_seen);
    chats_seen_ = std::make_shared<chats_monitor>(context_->metrics);
    auto goip = config_.goip;
    goip.lines.clear();
    lines_ = std::make_unique<goip_lines>(executor_, *engine_, std::move(goip), lines_seen);
    auto xmpp = config_.xmpp.options;
    xmpp.users.clear();
    xmpp.directory = bot_.get();
    xmpp.command = [this](const xmpp_user& user, const std::string& number, const std::string& text) {
      return bot_->take(user, number, text);
    };
    xmpp.presence = [this](const xmpp_user& user) { return bot_->presence(user); };
    users_ = std::make_unique<xmpp_users>(executor_, *engine_, std::move(xmpp), chats_seen_);
    bot_->connect(executor_, *lines_, *users_);
    if (const auto opened = lines_->start(); !opened) {
      log_.error("cannot serve the lines", {{"key", opened.error().field}, {"reason", opened.error().code}});
      return false;
    }
    if (!apply()) return false;
    users_->start();
    poll_timer_ = std::make_unique<asio::steady_timer>(executor_);
    poll();
    log_.info("ready", {{"goip_port", lines_->port()}, {"lines", plan_->lines.size()}, {"users", plan_->users.size()}});
    return true;
  } catch (const std::system_error& e) {
    log_.error("impossible configuration", {{"reason", std::string_view(e.what())}});
    return false;
  }

  // Makes configuration and records effective. On the executor.
  bool apply() {
    auto plan = std::make_shared<bridge_plan>(make_plan(config_, known_.lines, known_.switched_off));
    for (const auto& p : plan->problems) log_.warn("a line is left out", {{"reason", p}});
    engine_->set_routes(std::make_shared<const engine::route_table>(plan->routes));
    plan_ = plan;
    bot_->set_plan(plan);
    users_->set_users(plan->users);
    if (const auto set = lines_->set_lines(plan->lines); !set) {
      const auto& id = plan->lines[set.error().offset].line.id;
      log_.error("an impossible line", {{"line", id}, {"key", set.error().field}, {"reason", set.error().code}});
      return false;
    }
    return true;
  }

  void poll() {
    poll_timer_->expires_after(poll_interval);
    poll_timer_->async_wait([this](std::error_code ec) {
      if (ec) return;
      poll();
      if (is_looking_) return;
      const bool purge = config_.log_time.count() > 0 && seconds_since_1970() - purged_at_ >= purge_seconds;
      const auto look = [purge, keep = config_.log_time, version = known_.version](records& r) {
        if (purge) r.purge_calls(seconds_since_1970() - std::chrono::seconds(keep).count());
        found_in_records found{.version = r.version()};
        if (found.version != version) found = look_into(r);
        return found;
      };
      if (purge) purged_at_ = seconds_since_1970();
      is_looking_ = recorder_->ask(executor_, look, [this](found_in_records found) { take(std::move(found)); });
    });
  }
  void take(found_in_records found) {
    is_looking_ = false;
    if (found.version == known_.version || !users_ || !lines_) return;
    for (const auto& j : found.jobs) run_job(j);
    const bool is_other = found.lines != known_.lines || found.switched_off != known_.switched_off;
    known_ = std::move(found);
    if (!is_other) return;
    apply();
    log_.info("lines changed", {{"lines", plan_->lines.size()}, {"users", plan_->users.size()}});
  }
  void run_job(const ussd_job& j) {
    lines_->ussd(j.line, j.code, [this, id = j.id](std::error_code ec, const std::string& said) {
      const auto words = ec ? ec.message() + (said.empty() ? "" : ": " + said) : said;
      recorder_->run([id, failed = bool(ec), words](records& r) { r.finish_job(id, failed, words); });
    });
  }

  void on_line(const std::string& id, goip::line_state before, goip::line_state now) {
    for (const auto& [jid, ids] : plan_->lines_of_user)
      if (std::ranges::find(ids, id) != ids.end()) users_->show_presence(jid);
    const bool was_up = before == goip::line_state::online, is_up = now == goip::line_state::online;
    if (!config_.notices || was_up == is_up || before == goip::line_state::unknown) return;
    bot_->push_notice(id, is_up ? "The line is back on the network."
                                : "The line is not on the network: " + std::string(goip::to_string(now)) + ".");
  }

  bool start_http() {
    if (config_.http.port == 0) return true;
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics);
    checks_.push_back(health_.add("store", [this] {
      return engine_->ready() ? readiness{} : readiness{false, "the store cannot commit, or the engine is stopping"};
    }));
    checks_.push_back(health_.add("xmpp", [this] {
      return chats_seen_->is_connected() ? readiness{} : readiness{false, "no connection to the XMPP server"};
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

  goip_xmpp_config config_;
  daemon_context* context_ = nullptr;
  asio::any_io_executor executor_;
  health_registry health_;
  std::vector<std::shared_ptr<void>> checks_, collected_;
  std::unique_ptr<recorder> recorder_;
  std::unique_ptr<engine::engine> engine_;
  // On the executor from here on.
  found_in_records known_;
  std::shared_ptr<const bridge_plan> plan_;
  std::unique_ptr<bot> bot_;
  std::shared_ptr<chats_monitor> chats_seen_;
  std::unique_ptr<goip_lines> lines_;
  std::unique_ptr<xmpp_users> users_;
  std::unique_ptr<asio::steady_timer> poll_timer_;
  bool is_looking_ = false;
  std::int64_t purged_at_ = 0;
  std::unique_ptr<http_server> http_;
  std::thread drainer_;
};

}  // namespace

std::unique_ptr<daemon> make_goip_xmpp() { return std::make_unique<goip_xmpp>(); }

}  // namespace msgkit::app
