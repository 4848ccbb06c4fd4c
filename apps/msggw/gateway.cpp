#include "msggw/gateway.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <future>
#include <map>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/log.hpp"
#include "connectors/credential_service.hpp"
#include "connectors/engine_metrics.hpp"
#include "connectors/message_api.hpp"
#include "msggw/config.hpp"
#include "msggw/gateway_metrics.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"msggw"};

struct running_carrier {
  smpp_carrier_options options;
  asio::any_io_executor executor;
  std::unique_ptr<smpp_carrier> connector;
};

// A connector's sockets belong to its executor, so it is taken down there while that executor's thread still runs.
template <class Connector>
void destroy_on(const asio::any_io_executor& executor, std::unique_ptr<Connector>& connector) {
  if (!connector) return;
  std::promise<void> gone;
  asio::post(executor, [&] {
    connector.reset();
    gone.set_value();
  });
  gone.get_future().wait();
}

bool same(const smpp_carrier_options& a, const smpp_carrier_options& b) {
  const auto key = [](const smpp_carrier_options& o) {
    const auto& s = o.client.connection.session;
    return std::tuple(o.name, o.client.connect.host, o.client.connect.port, o.client.connect.tls == nullptr,
                      o.client.system_id, o.client.password, o.client.system_type, o.client.mode,
                      o.client.interface_version, o.client.address_range, o.binds, o.rate.per_second,
                      o.rate.follows_peer, o.receipts,
                      o.profile.default_charset, o.profile.long_messages, o.profile.forward_validity, s.window_size,
                      s.inbound_window_size, s.bind_timeout, s.response_timeout, s.enquire_link_interval,
                      s.enquire_link_timeout, s.inactivity_timeout, s.partial_pdu_timeout, s.unbind_timeout,
                      s.pdu_bytes_max, s.profile);
  };
  return key(a) == key(b);
}

class gateway final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_msggw_config(reader); }

  bool start(daemon_context& context) override {
    context_ = &context;
    if (!start_engine()) return false;
    clients_executor_ = context.pool.executor(0);
    clients_ = std::make_unique<smpp_server>(clients_executor_, *engine_, config_.smpp, credentials_.check(),
                                             make_server_observer(context.metrics));
    if (const auto ec = clients_->listen()) return cannot_listen("smpp.listen", config_.smpp.server.accept.listen_port, ec);
    carrier_observer_ = make_carrier_observer(context.metrics);
    for (const auto& c : config_.carriers) start_carrier(c);
    if (!start_http()) return false;
    log_.info("ready", {{"smpp_port", clients_->port()}, {"http_port", http_->port()}});
    return true;
  }

  std::function<void()> reload(config_reader& reader) override {
    auto fresh = std::make_shared<msggw_config>(read_msggw_config(reader));
    return [this, fresh] { apply(*fresh); };
  }

  void drain(std::function<void()> done) override {
    health_.set_draining();
    clients_->drain();
    // The engine waits for what is on the wire; only then do the binds go.
    drainer_ = std::thread([this, done = std::move(done)] {
      if (!engine_->stop(drain_time)) log_.warn("messages were still on the wire: their outcome is unknown");
      stop_connectors(done);
    });
  }

  void stop() override {
    if (drainer_.joinable()) drainer_.join();
    collected_.reset();
    checks_.clear();
    if (http_) http_->close();
    if (metrics_http_) metrics_http_->close();
    for (auto& [name, c] : carriers_) destroy_on(c.executor, c.connector);
    carriers_.clear();
    destroy_on(clients_executor_, clients_);
    credentials_.stop();
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
    try {
      auto routes = std::make_shared<const engine::route_table>(config_.routes);
      engine_ = std::make_unique<engine::engine>(config_.engine, std::move(routes), std::move(store), nullptr, log);
    } catch (const std::invalid_argument& e) {
      log_.error("routes do not work", {{"reason", std::string_view(e.what())}});
      return false;
    }
    if (const auto started = engine_->start(); !started) {
      log_.error("cannot load the store",
                 {{"reason", started.error().code}, {"detail", engine_->store_error_text()}});
      return false;
    }
    collected_ = collect_engine_metrics(context_->metrics, *engine_, "msggw");
    return true;
  }

  void start_carrier(const smpp_carrier_options& options) {
    const auto executor = context_->pool.next();
    auto made = std::make_unique<smpp_carrier>(executor, *engine_, options, carrier_observer_);
    made->start();
    carriers_[options.name] = {options, executor, std::move(made)};
  }

  bool start_http() {
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics);
    add_message_routes(*router, *engine_, config_.http_api_key);
    checks_.push_back(health_.add("store", [this] {
      return engine_->ready() ? readiness{} : readiness{false, "the store cannot commit, or the engine is stopping"};
    }));
    checks_.push_back(health_.add("carriers", [this] { return carriers_ready(); }));
    http_ = listen_http(router, config_.http);
    if (!http_) return false;
    if (config_.metrics.port == 0) return true;
    auto metrics_router = std::make_shared<http_router>();
    add_health_routes(*metrics_router, health_, context_->metrics);
    metrics_http_ = listen_http(metrics_router, config_.metrics);
    return metrics_http_ != nullptr;
  }

  std::unique_ptr<http_server> listen_http(std::shared_ptr<const http_router> router, const config_endpoint& at) {
    http_server_options options;
    options.listen.listen_host = at.host;
    options.listen.listen_port = at.port;
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
    std::size_t up = 0;
    for (const auto& [name, c] : carriers_) up += c.connector->bound() > 0 ? 1 : 0;
    return {true, std::to_string(up) + " of " + std::to_string(carriers_.size()) + " carriers bound"};
  }

  void apply(const msggw_config& fresh) {
    try {
      engine_->set_routes(std::make_shared<const engine::route_table>(fresh.routes));
    } catch (const std::invalid_argument& e) {
      log_.error("routes not changed", {{"reason", std::string_view(e.what())}});
      return;
    }
    clients_->set_accounts(fresh.smpp.accounts);
    std::map<std::string, smpp_carrier_options> wanted;
    for (const auto& c : fresh.carriers) wanted[c.name] = c;
    for (auto at = carriers_.begin(); at != carriers_.end();) {
      const auto found = wanted.find(at->first);
      const bool stays = found != wanted.end() && same(found->second, at->second.options);
      if (!stays) retire(std::move(at->second));
      at = stays ? std::next(at) : carriers_.erase(at);
    }
    for (const auto& [name, options] : wanted)
      if (!carriers_.contains(name)) start_carrier(options);
    config_ = fresh;
    log_.info("configuration applied", {{"clients", fresh.smpp.accounts.size()}, {"carriers", carriers_.size()}});
  }

  // Unbinds, and is destroyed on its executor once its connections are closed.
  static void retire(running_carrier old) {
    std::shared_ptr<smpp_carrier> kept = std::move(old.connector);
    kept->stop([kept, executor = old.executor] { asio::post(executor, [kept] {}); });
  }

  void stop_connectors(const std::function<void()>& done) {
    auto left = std::make_shared<std::atomic<std::size_t>>(carriers_.size() + 1);
    const auto one_done = [left, done] {
      if (--*left == 0) done();
    };
    clients_->stop(one_done);
    for (const auto& [name, c] : carriers_) c.connector->stop(one_done);
  }

  msggw_config config_;
  daemon_context* context_ = nullptr;
  credential_service credentials_;
  health_registry health_;
  std::vector<std::shared_ptr<void>> checks_;
  std::unique_ptr<engine::engine> engine_;
  std::shared_ptr<void> collected_;
  asio::any_io_executor clients_executor_;
  std::unique_ptr<smpp_server> clients_;
  std::shared_ptr<smpp_carrier_observer> carrier_observer_;
  std::map<std::string, running_carrier> carriers_;
  std::unique_ptr<http_server> http_, metrics_http_;
  std::thread drainer_;
};

}  // namespace

std::unique_ptr<daemon> make_gateway() { return std::make_unique<gateway>(); }

}  // namespace msgkit::app
