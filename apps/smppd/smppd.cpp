#include "smppd/smppd.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/json.hpp"
#include "common/log.hpp"
#include "connectors/credential_service.hpp"
#include "connectors/engine_metrics.hpp"
#include "connectors/message_api.hpp"
#include "engine/memory_store.hpp"
#include "engine/sqlite_store.hpp"
#include "smppd/config.hpp"
#include "smppd/network.hpp"
#include "smppd/smppd_observer.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"smppd"};
constexpr std::chrono::seconds drain_time{5};

class smppd final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_smppd_config(reader); }

  bool start(daemon_context& context) override {
    context_ = &context;
    executor_ = context.pool.executor(0);
    return start_feed() && start_engine() && start_sessions() && start_http();
  }

  std::function<void()> reload(config_reader& reader) override {
    auto fresh = std::make_shared<smppd_config>(read_smppd_config(reader));
    return [this, fresh] { apply(*fresh); };
  }

  void drain(std::function<void()> done) override {
    health_.set_draining();
    mo_->stop();
    clients_->drain();
    network_->stop();
    drainer_ = std::thread([this, done = std::move(done)] {
      if (!engine_->stop(drain_time)) log_.warn("messages were still with clients: their outcome is unknown");
      clients_->stop(done);
    });
  }

  void stop() override {
    if (drainer_.joinable()) drainer_.join();
    checks_.clear();
    collected_.reset();
    if (http_) http_->close();
    destroy_on_executor();
    credentials_.stop();
    canceler_.reset();
    engine_.reset();
    observer_.reset();
    feed_.reset();
  }

 private:
  bool start_feed() {
    try {
      feed_ = std::make_unique<event_feed>(config_.event_files, config_.event_webhooks, context_->metrics);
    } catch (const std::system_error& e) {
      log_.error("cannot open an event file", {{"reason", std::string_view(e.what())}});
      return false;
    }
    observer_ = std::make_shared<smppd_observer>(context_->metrics, *feed_, config_.smpp.ids);
    if (config_.record_file.empty()) return true;
    const auto ec = observer_->record_to(config_.record_file);
    if (ec) log_.error("cannot open the record file", {{"record_file", config_.record_file}, {"reason", ec}});
    return !ec;
  }

  std::unique_ptr<engine::store> open_store() {
    if (config_.storage == storage_kind::memory) return std::make_unique<engine::memory_store>(config_.settled_max);
    const std::filesystem::path path = config_.storage_path;
    std::error_code ec;
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
    std::string problem;
    auto store = engine::sqlite_store::open({.path = config_.storage_path, .number_index = false}, &problem);
    if (store) return *std::move(store);
    log_.error("cannot open the store", {{"reason", store.error().code}, {"detail", problem}});
    return nullptr;
  }

  bool start_engine() {
    auto store = open_store();
    if (!store) return false;
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
    collected_ = collect_engine_metrics(context_->metrics, *engine_, "smppd_engine");
    return true;
  }

  bool start_sessions() {
    how_ = make_behaviours(config_);
    network_ =
        std::make_unique<simulated_network>(executor_, *engine_, how_.load(), config_.network_capacity,
                                            [o = observer_](const engine::message_content& c, engine::message_id id,
                                                            engine::message_state s) { o->on_network_end(c, id, s); });
    network_->start();
    mo_ = std::make_unique<mo_source>(executor_, *engine_);
    mo_->set_streams(config_.mo);
    config_.smpp.script = [this](const smpp_account& a, const smpp::pdu& m) { return answer_of(a, m); };
    clients_ = std::make_unique<smpp_server>(executor_, *engine_, config_.smpp, credentials_.check(), observer_);
    if (const auto ec = clients_->listen()) {
      log_.error("cannot listen",
                 {{"key", "listen"}, {"port", config_.smpp.server.accept.listen_port}, {"reason", ec}});
      return false;
    }
    log_.info("ready", {{"smpp_port", clients_->port()}});
    return true;
  }

  static std::shared_ptr<const behaviours> make_behaviours(const smppd_config& c) {
    return std::make_shared<const behaviours>(c.behaviours, c.usual_end, c.seed);
  }

  // On the executor. Answers are drawn by a count of their own: the message has no id yet.
  scripted_answer answer_of(const smpp_account& a, const smpp::pdu& m) {
    const auto how = how_.load();
    if (const auto* s = std::get_if<smpp::submit_sm>(&m))
      return how->answer(a.system_id, s->source_addr, s->destination_addr, ++answers_);
    if (const auto* d = std::get_if<smpp::data_sm>(&m))
      return how->answer(a.system_id, d->source_addr, d->destination_addr, ++answers_);
    return {};
  }

  void apply(const smppd_config& fresh) {
    how_ = make_behaviours(fresh);
    network_->set_behaviours(how_.load());
    engine_->set_routes(std::make_shared<const engine::route_table>(fresh.routes));
    clients_->set_accounts(fresh.smpp.accounts);
    mo_->set_streams(fresh.mo);
    log_.info("configuration applied",
              {{"users", fresh.smpp.accounts.size()}, {"behaviours", fresh.behaviours.size()}});
  }

  bool start_http() {
    if (config_.http.port == 0) return true;
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics);
    add_message_routes(*router, *engine_, "", config_.smpp.ids);
    canceler_ = std::make_unique<message_canceler>(*engine_);
    add_cancel_route(*router, *canceler_, config_.smpp.ids);
    router->add("POST", "/mo",
                [this](const http_request& request, const http_responder& responder) { inject(request, responder); });
    router->add_direct("GET", "/sessions", [this](const http_request&) {
      return http_response{.status = 200, .body = observer_->sessions_json()};
    });
    checks_.push_back(health_.add("store", [this] {
      return engine_->ready() ? readiness{} : readiness{false, "the store cannot commit, or the engine is stopping"};
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

  // {"user":"...","from":"...","to":"...","text":"..."}: one mobile-originated message.
  void inject(const http_request& request, const http_responder& responder) {
    nlohmann::json body;
    std::string why;
    if (!parse_json(request.body, body, why)) return responder.send(http_error(400, "bad_json", why));
    std::string values[4];
    constexpr const char* names[] = {"user", "from", "to", "text"};
    for (std::size_t i = 0; i < 4; ++i) {
      const auto found = body.find(names[i]);
      if (found == body.end() || !found->is_string())
        return responder.send(http_error(400, "missing_field", std::string(names[i]) + " must be a string"));
      values[i] = found->get<std::string>();
    }
    const bool known =
        std::ranges::any_of(config_.smpp.accounts, [&](const auto& a) { return a.system_id == values[0]; });
    if (!known) return responder.send(http_error(409, "not_queued", "there is no such user"));
    mo_->send(
        values[0], values[1], values[2], values[3],
        [responder, ids = config_.smpp.ids](const engine::accepted* yes, engine::refusal reason) {
          if (yes == nullptr) return responder.send(http_error(409, "not_queued", engine::name(reason)));
          responder.send(
              {.status = 202, .body = nlohmann::json{{"queued", true}, {"message_id", to_text(yes->id, ids)}}.dump()});
        });
  }

  // Sockets and timers belong to the executor.
  void destroy_on_executor() {
    std::promise<void> gone;
    asio::post(executor_, [&] {
      clients_.reset();
      network_.reset();
      mo_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  smppd_config config_;
  daemon_context* context_ = nullptr;
  asio::any_io_executor executor_;
  health_registry health_;
  std::vector<std::shared_ptr<void>> checks_;
  credential_service credentials_;
  std::unique_ptr<event_feed> feed_;
  std::shared_ptr<smppd_observer> observer_;
  std::unique_ptr<engine::engine> engine_;
  std::shared_ptr<void> collected_;
  std::atomic<std::shared_ptr<const behaviours>> how_;
  std::uint64_t answers_ = 0;
  std::unique_ptr<simulated_network> network_;
  std::unique_ptr<mo_source> mo_;
  std::unique_ptr<smpp_server> clients_;
  std::unique_ptr<message_canceler> canceler_;
  std::unique_ptr<http_server> http_;
  std::thread drainer_;
};

}  // namespace

std::unique_ptr<daemon> make_smppd() { return std::make_unique<smppd>(); }

}  // namespace msgkit::app
