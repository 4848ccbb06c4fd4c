#include "msggw/gateway.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>

#include "common/destroy_on.hpp"
#include "common/digest.hpp"
#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/log.hpp"
#include "common/task_worker.hpp"
#include "connectors/credential_service.hpp"
#include "connectors/engine_metrics.hpp"
#include "msggw/admin_api.hpp"
#include "msggw/administrators.hpp"
#include "msggw/batch/batch_api.hpp"
#include "msggw/carrier_set.hpp"
#include "msggw/client_api/client_api.hpp"
#include "msggw/client_api/history_api.hpp"
#include "msggw/client_api/kannel_api.hpp"
#include "msggw/client_api/search_api.hpp"
#include "msggw/client_api/usage_api.hpp"
#include "msggw/client_set.hpp"
#include "msggw/config.hpp"
#include "msggw/credit_api.hpp"
#include "msggw/directory/postgres_document_store.hpp"
#include "msggw/erasure/erasure_api.hpp"
#include "msggw/gateway_metrics.hpp"
#include "msggw/http_carriers.hpp"
#include "msggw/http_metrics.hpp"
#include "msggw/lines_and_chats.hpp"
#include "msggw/media/media_api.hpp"
#include "msggw/media/media_part.hpp"
#include "msggw/media/mm4_directory.hpp"
#include "msggw/message_log.hpp"
#include "msggw/operator_api.hpp"
#include "msggw/policy_of.hpp"
#include "msggw/rewrites.hpp"
#include "msggw/traffic_metrics.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"msggw"};

class gateway final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_msggw_config(reader); }

  bool start(daemon_context& context) override {
    context_ = &context;
    if (!start_engine()) return false;
    clients_executor_ = context.pool.executor(0);
    config_.smpp.pace_share = pace_share();
    sessions_ = std::make_shared<client_sessions>(make_server_observer(context.metrics));
    traffic_ = std::make_unique<traffic_metrics>(context.metrics, *engine_, *sessions_, config_.metrics_other_names);
    clients_ =
        std::make_unique<smpp_server>(clients_executor_, *engine_, config_.smpp, credentials_.check(), sessions_);
    if (const auto ec = clients_->listen())
      return cannot_listen("smpp.listen", config_.smpp.server.accept.listen_port, ec);
    carriers_ = std::make_unique<carrier_set>(context.pool, *engine_, make_carrier_observer(context.metrics));
    http_client_ = std::make_unique<http_client>();
    if (!start_media()) return false;
    http_carriers_ = std::make_unique<http_carriers>(
        config_.outbound,
        http_carrier_media{&media_->intake(), config_.media.base_url, number_finder(), media_->adapter()},
        *http_client_, *engine_, make_http_carrier_observer(context.metrics));
    http_carriers_->add_types(*carriers_);
    web_executor_ = context.pool.next();
    web_clients_ = std::make_unique<web_clients>(
        web_executor_, *engine_,
        web_client_options{
            .guard = config_.outbound.guard, .ca_file = config_.outbound.ca_file, .adapter = media_->adapter()},
        [this](outbound_request r, http_client::handler h) { return http_client_->send(std::move(r), std::move(h)); },
        make_web_client_observer(context.metrics));
    if (config_.mm4) {
      mm4_directory_ = std::make_unique<mm4_directory>(config_.mm4->peers, config_.mm4->names);
      mm4_sessions_ = std::make_shared<mm4_sessions>(make_mm4_observer(context_->metrics));
      add_mm4_type(*carriers_);
    }
    if (!start_directory() || !start_http() || !start_lines_and_chats() || !start_mm4()) return false;
    log_.info("ready", {{"smpp_port", clients_->port()}, {"http_port", http_->port()}});
    return true;
  }

  std::function<void()> reload(config_reader& reader) override {
    auto fresh = std::make_shared<msggw_config>(read_msggw_config(reader));
    return [this, fresh] { reconfigure(*fresh); };
  }

  void drain(std::function<void()> done) override {
    health_.set_draining();
    if (watch_) watch_->stop();
    clients_->drain();
    others_->drain();
    batch_runner_->stop();  // while the engine still answers
    erasures_->stop();
    // The engine waits for what is on the wire; only then do the binds go.
    drainer_ = std::thread([this, done = std::move(done)] {
      media_->stop_adapting();
      if (!engine_->stop(drain_time)) log_.warn("messages were still on the wire: their outcome is unknown");
      stop_connectors(done);
    });
  }

  void stop() override {
    if (drainer_.joinable()) drainer_.join();
    watch_.reset();
    collected_.reset();
    traffic_.reset();
    checks_.clear();
    if (http_) http_->close();
    if (metrics_http_) metrics_http_->close();
    worker_.stop();
    batch_runner_.reset();
    erasures_.reset();
    if (http_client_) http_client_->stop();  // its last answers are posted before the connectors go
    if (media_) media_->stop();              // and what comes of them
    carriers_.reset();
    http_carriers_.reset();
    destroy_on(web_executor_, web_clients_);
    others_.reset();
    destroy_on(mm4_executor_, mm4_);
    destroy_on(clients_executor_, clients_);
    credentials_.stop();
    sender_.reset();
    canceler_.reset();
    engine_.reset();
  }

 private:
  // Together with the sessions' unbind_timeout below the ten seconds that service managers and operators expect.
  static constexpr std::chrono::seconds drain_time{5};

  bool start_engine() {
    std::string problem;
    auto store = open_store(config_.store, problem);
    if (!store) {
      log_.error("cannot open the store", {{"detail", problem}});
      return false;
    }
    if (const auto number = store->instance_number()) config_.engine.core.instance = *number;
    const auto log = [](bool is_error, std::string_view line) {
      if (is_error) log_.error(line);
      else log_.info(line);
    };
    if (config_.logs_messages)
      config_.engine.on_committed = [this](const auto& records) { message_log_.write(records); };
    try {
      auto routes = std::make_shared<const engine::route_table>(config_.routes);
      engine_ = std::make_unique<engine::engine>(config_.engine, std::move(routes), std::move(store), nullptr, log);
    } catch (const std::invalid_argument& e) {
      log_.error("routes do not work", {{"reason", std::string_view(e.what())}});
      return false;
    }
    if (const auto started = engine_->start(); !started) {
      log_.error("cannot load the store", {{"reason", started.error().code}, {"detail", engine_->store_error_text()}});
      return false;
    }
    engine_->set_policy(config_.rules.make());
    collected_ = collect_engine_metrics(context_->metrics, *engine_, "msggw");
    return true;
  }

  // Asked about for each message of a client that has a pace.
  std::function<double(std::string_view)> pace_share() {
    return [this](std::string_view account) { return engine_->pace().take(account, driver_clock::wall_now()); };
  }

  bool start_media() {
    std::string problem;
    media_ = media_part::open(context_->pool.next(), config_.media, config_.store, *http_client_, context_->metrics,
                              problem);
    if (!media_) log_.error("cannot open the media", {{"detail", problem}});
    return media_ != nullptr;
  }

  bool start_mm4() {
    if (!config_.mm4) return true;
    auto options = *config_.mm4;
    options.media_base_url = config_.media.base_url;
    options.adapter = media_->adapter();
    const std::lock_guard lock(applying_);
    options.peers = mm4_directory_->peers_of(*directory_->current());
    const auto peers = options.peers.size();
    mm4_executor_ = context_->pool.next();
    mm4_ = std::make_unique<mm4_peers>(mm4_executor_, *engine_, media_->shelf(), media_->intake(), std::move(options),
                                       mm4_sessions_);
    if (const auto ec = mm4_->listen()) return cannot_listen("mm4.listen", config_.mm4->server.accept.listen_port, ec);
    mm4_->start();
    log_.info("MM4 peers are served", {{"port", mm4_->port()}, {"peers", peers}});
    return true;
  }

  // Whether a number belongs to a client: of the configuration file, or of the directory.
  std::function<bool(const std::string&)> number_finder() {
    auto fixed = std::make_shared<std::set<std::string>>();
    for (const auto& r : config_.routes)
      if (r.destination_exact) fixed->insert(r.destination);
    return [this, fixed](const std::string& number) {
      return fixed->contains(number) || (directory_ && directory_->current()->number_of(number) != 0);
    };
  }

  bool start_directory() {
    std::string problem;
    directory_ =
        open_directory(config_.directory,
                       {.carrier_types = carriers_->types(),
                        .now = [] { return std::chrono::floor<wall_time::duration>(std::chrono::system_clock::now()); },
                        .random = random_octets,
                        .carrier_faults = faults_of_http_carrier},
                       problem);
    if (!directory_) {
      log_.error("cannot open the directory", {{"detail", problem}});
      return false;
    }
    if (!apply(*directory_->current())) return false;
    directory_->on_change([this](const snapshot_ptr& s) { apply(*s); });
    if (config_.directory.server)
      watch_ = std::make_unique<directory_watch>(*config_.directory.server, [this] { look_for_changes(); });
    return true;
  }

  [[nodiscard]] protocol_names other_protocols() const {
    protocol_names names;
    if (config_.goip)
      for (const auto& l : config_.goip->lines) names["carrier:" + l.carrier] = "goip";
    if (config_.xmpp)
      for (const auto& u : config_.xmpp->options.users) names["client:" + u.name] = "xmpp";
    return names;
  }

  void look_for_changes() {
    std::string problem;
    directory_->refresh(&problem);
    if (!problem.empty() && problem != watch_problem_)
      log_.error("changes of other gateways cannot be read", {{"detail", problem}});
    watch_problem_ = std::move(problem);
  }

  bool start_lines_and_chats() {
    others_ =
        std::make_unique<lines_and_chats>(context_->pool, *engine_, context_->metrics, config_.goip, config_.xmpp);
    std::string problem;
    if (others_->start(problem)) return true;
    log_.error("cannot serve lines or chats", {{"detail", problem}});
    return false;
  }

  bool start_http() {
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics, {}, config_.metrics_path);
    administrators_ = std::make_unique<administrators>(*directory_, config_.http_api_key);
    access_ = std::make_unique<api_access>(*directory_, credentials_.check(), *administrators_);
    sender_ = std::make_unique<sender>(*engine_, pace_share());
    canceler_ = std::make_unique<message_canceler>(*engine_);
    std::string problem;
    batches_ = open_batches(problem);
    if (!batches_) {
      log_.error("cannot open the batches", {{"detail", problem}});
      return false;
    }
    batch_runner_ =
        std::make_unique<batch_runner>(*batches_, *sender_, *directory_, config_.engine.processor.retention);
    const task_runner tasks = [this](std::function<void()> task) { return worker_.run(std::move(task)); };
    add_usage_routes(*router, *access_, *engine_);  // before /messages/{id}, which matches its path too
    add_history_route(*router, *access_, *engine_);
    add_batch_routes(*router, {*access_, *sender_, *batches_, *batch_runner_, tasks});
    add_search_route(*router, *access_, *engine_);
    add_client_routes(*router, {*engine_, *access_, *sender_, *canceler_, media_->intake(), config_.media.base_url});
    add_media_route(*router, media_->shelf());
    add_operator_routes(*router, *sessions_, mm4_sessions_.get(), *carriers_, *directory_, *engine_,
                        administrators_->guard());
    erasures_ = std::make_unique<erasure_runner>(erasure_parts{*engine_, *batches_, media_->shelf(), *directory_});
    add_erasure_routes(*router, {*engine_, *erasures_, *directory_, *administrators_, tasks});
    add_own_credit_route(*router, *access_, *engine_);
    add_credit_routes(*router, {*engine_, *directory_, *administrators_, tasks, [this](const std::string& client) {
                                  return directory_->current()->client_of(client) != 0 || is_of_the_file(client);
                                }});
    add_kannel_routes(*router, *access_, *sender_);
    add_admin_routes(*router, *directory_, tasks, *administrators_,
                     {.webhook_retries = config_.webhooks.retries,
                      .webhook_timeout_secs = static_cast<std::uint32_t>(config_.webhooks.timeout.count())});
    http_carriers_->add_routes(*router);
    checks_.push_back(health_.add("store", [this] {
      return engine_->ready() ? readiness{} : readiness{false, "the store cannot commit, or the engine is stopping"};
    }));
    checks_.push_back(health_.add("carriers", [this] { return carriers_ready(); }));
    http_ = listen_http(router, config_.http);
    if (!http_) return false;
    if (config_.metrics.port == 0) return true;
    auto metrics_router = std::make_shared<http_router>();
    add_health_routes(*metrics_router, health_, context_->metrics, {}, config_.metrics_path);
    metrics_http_ = listen_http(metrics_router, config_.metrics);
    return metrics_http_ != nullptr;
  }

  bool is_of_the_file(const std::string& client) {
    const std::lock_guard lock(applying_);
    return std::ranges::any_of(config_.smpp.accounts, [&](const auto& a) { return a.name == client; });
  }

  std::unique_ptr<batch_store> open_batches(std::string& problem) const {
    const auto& at = config_.directory;
    if (at.server) return open_postgres_batch_store(*at.server, problem);
    return open_sqlite_batch_store(std::filesystem::path(at.path).replace_filename("batches.db"), problem);
  }

  std::unique_ptr<http_server> listen_http(std::shared_ptr<const http_router> router, const config_endpoint& at) {
    http_server_options options;
    options.listen.listen_host = at.host;
    options.listen.listen_port = at.port;
    options.trusted_proxies = config_.trusted_proxies;
    options.on_handler_error = [](std::string_view pattern, std::string_view what) {
      log_.error("request failed", {{"route", pattern}, {"reason", what}});
    };
    auto server = std::make_unique<http_server>(context_->executor, std::move(router), options);
    if (const auto ec = server->listen()) {
      cannot_listen("http.listen", at.port, ec);
      return nullptr;
    }
    return server;
  }

  static bool cannot_listen(std::string_view key, std::uint16_t port, std::error_code ec) {
    log_.error("cannot listen", {{"key", key}, {"port", port}, {"reason", ec}});
    return false;
  }

  // A carrier that is down is no reason to refuse messages: they wait. Readiness only tells.
  readiness carriers_ready() {
    const auto all = carriers_->status();
    const auto up = std::ranges::count_if(all, &carrier_status::is_up);
    return {true, std::to_string(up) + " of " + std::to_string(all.size()) + " carriers bound"};
  }

  void reconfigure(const msggw_config& fresh) {
    {
      const std::lock_guard lock(applying_);
      config_.carriers = fresh.carriers;
      config_.routes = fresh.routes;
      config_.smpp.accounts = fresh.smpp.accounts;
      config_.rules = fresh.rules;
      config_.rewrites = fresh.rewrites;
      config_.auto_reply = fresh.auto_reply;
    }
    apply(*directory_->current());
  }

  // Makes the file and the directory effective, together. From the main thread and from those that change the
  // directory. False, and nothing but a line in the log, when the routes do not work.
  bool apply(const directory_snapshot& managed) {
    const std::lock_guard lock(applying_);
    if (managed.version() < applied_) return true;  // overtaken by a newer one
    try {
      engine_->set_routes(
          std::make_shared<const engine::route_table>(routes_of(config_.routes, managed, config_.mm4.has_value())));
    } catch (const std::invalid_argument& e) {
      log_.error("routes not changed", {{"reason", std::string_view(e.what())}});
      return false;
    }
    const auto rules = policy_of(config_.rules, managed, config_.auto_reply);
    engine_->set_policy(rules);
    engine_->set_rewrites(rewrites_of(config_.rewrites, managed));
    traffic_->set(protocols_of(config_.smpp.accounts, config_.carriers, managed, other_protocols()), rules);
    applied_ = managed.version();
    auto accounts = accounts_of(config_.smpp.accounts, managed);
    const auto clients = accounts.size();
    clients_->set_accounts(std::move(accounts));
    web_clients_->set_clients(web_clients_of(managed));
    carriers_->apply(config_.carriers, managed);
    if (mm4_) mm4_->set_peers(mm4_directory_->peers_of(managed));
    message_log_.set(managed);
    log_.info("configuration applied", {{"clients", clients}, {"carriers", carriers_->status().size()}});
    return true;
  }

  void stop_connectors(const std::function<void()>& done) {
    auto left = std::make_shared<std::atomic<std::size_t>>(mm4_ ? 5 : 4);
    const auto one_done = [left, done] {
      if (--*left == 0) done();
    };
    clients_->stop(one_done);
    carriers_->stop(one_done);
    web_clients_->stop(one_done);
    if (mm4_) mm4_->stop(one_done);
    others_->stop(std::chrono::milliseconds{0}, one_done);  // the engine has waited for what was on the way
  }

  message_log message_log_;
  msggw_config config_;
  daemon_context* context_ = nullptr;
  credential_service credentials_;
  health_registry health_;
  std::vector<std::shared_ptr<void>> checks_;
  std::unique_ptr<engine::engine> engine_;
  std::shared_ptr<void> collected_;
  asio::any_io_executor clients_executor_;
  std::unique_ptr<smpp_server> clients_;
  std::unique_ptr<http_client> http_client_;
  std::unique_ptr<media_part> media_;  // gone after those who use it
  std::unique_ptr<http_carriers> http_carriers_;
  std::unique_ptr<carrier_set> carriers_;
  asio::any_io_executor web_executor_;
  std::unique_ptr<web_clients> web_clients_;
  std::unique_ptr<lines_and_chats> others_;
  asio::any_io_executor mm4_executor_;
  std::unique_ptr<mm4_directory> mm4_directory_;
  std::shared_ptr<mm4_sessions> mm4_sessions_;
  std::unique_ptr<mm4_peers> mm4_;
  std::unique_ptr<directory> directory_;
  std::shared_ptr<client_sessions> sessions_;
  std::unique_ptr<traffic_metrics> traffic_;
  std::unique_ptr<administrators> administrators_;
  std::unique_ptr<api_access> access_;
  std::unique_ptr<sender> sender_;
  std::unique_ptr<message_canceler> canceler_;
  std::unique_ptr<batch_store> batches_;
  std::unique_ptr<batch_runner> batch_runner_;
  std::unique_ptr<erasure_runner> erasures_;
  task_worker worker_;   // for the directory
  std::mutex applying_;  // guards the parts of config_ that change, and applied_
  std::uint64_t applied_ = 0;
  std::unique_ptr<http_server> http_, metrics_http_;
  std::thread drainer_;
  std::string watch_problem_;               // the watch's own
  std::unique_ptr<directory_watch> watch_;  // last: it uses the others
};

}  // namespace

std::unique_ptr<daemon> make_gateway() { return std::make_unique<gateway>(); }

}  // namespace msgkit::app
