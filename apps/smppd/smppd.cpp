#include "smppd/smppd.hpp"

#include <asio/post.hpp>
#include <nlohmann/json.hpp>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/json.hpp"
#include "smppd/config.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"smppd"};

class smppd final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_smppd_config(reader); }

  bool start(daemon_context& context) override {
    executor_ = context.pool.executor(0);
    simulator_ = std::make_unique<simulator>(executor_, config_.simulator, config_.server, context.metrics);
    if (const auto ec = simulator_->listen()) {
      log_.error("cannot start", {{"port", config_.server.accept.listen_port},
                                  {"record_file", config_.simulator.record_file},
                                  {"reason", ec}});
      return false;
    }
    return start_http(context);
  }

  std::function<void()> reload(config_reader& reader) override {
    auto fresh = std::make_shared<smppd_config>(read_smppd_config(reader));
    return [this, fresh] {
      asio::post(executor_, [this, fresh] { simulator_->reconfigure(fresh->simulator); });
    };
  }

  void drain(std::function<void()> done) override {
    health_.set_draining();
    asio::post(executor_, [this, done = std::move(done)] { simulator_->stop(done); });
  }

  void stop() override {
    if (http_) http_->close();
    simulator_.reset();
  }

 private:
  bool start_http(daemon_context& context) {
    if (config_.http.port == 0) return true;
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context.metrics);
    router->add("POST", "/mo", [this](const http_request& request, const http_responder& responder) {
      inject(request, responder);
    });
    http_server_options options;
    options.listen.listen_host = config_.http.host;
    options.listen.listen_port = config_.http.port;
    http_ = std::make_unique<http_server>(context.executor, router, options);
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
    asio::post(executor_, [this, responder, user = values[0], from = values[1], to = values[2], text = values[3]] {
      const bool taken = simulator_->inject_mo(user, from, to, text);
      responder.send(taken ? http_response{.status = 202, .body = R"({"queued":true})"}
                           : http_error(409, "not_queued", "no such user, text too long, or its queue is full"));
    });
  }

  smppd_config config_;
  asio::any_io_executor executor_;
  health_registry health_;
  std::unique_ptr<simulator> simulator_;
  std::unique_ptr<http_server> http_;
};

}  // namespace

std::unique_ptr<daemon> make_smppd() { return std::make_unique<smppd>(); }

}  // namespace msgkit::app
