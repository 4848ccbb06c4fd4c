// A daemon with nothing to do but to be alive: driven by lifecycle_test.cpp.
#include <optional>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/lifecycle.hpp"
#include "common/log.hpp"

namespace {

using namespace msgkit::app;

constexpr logger log_of_probe{"probe"};

class probe final : public daemon {
 public:
  void configure(config_reader& config) override {
    listen_ = config.endpoint("http.listen", {"127.0.0.1", 0});
    greeting_ = config.text("greeting", "hello");
    config.secret("password", "");
    hang_ = config.flag("hang_on_drain", false);
    fail_ = config.flag("fail_on_start", false);
  }
  bool start(daemon_context& context) override {
    if (fail_) return false;
    add_health_routes(*router_, health_, context.metrics);
    http_server_options options;
    options.listen.listen_host = listen_.host;
    options.listen.listen_port = listen_.port;
    options.place = [&pool = context.pool] { return pool.next(); };
    server_.emplace(context.executor, router_, options);
    if (server_->listen()) return false;
    log_of_probe.info("listening", {{"port", server_->port()}});
    return true;
  }
  std::function<void()> reload(config_reader& config) override {
    config.endpoint("http.listen", {"127.0.0.1", 0});
    config.secret("password", "");
    config.flag("hang_on_drain", false);
    config.flag("fail_on_start", false);
    return [this, greeting = config.text("greeting", "hello")] {
      greeting_ = greeting;
      log_of_probe.info("greeting", {{"text", greeting_}});
    };
  }
  void drain(std::function<void()> done) override {
    health_.set_draining();
    if (!hang_) server_->drain(std::move(done));
  }
  void stop() override {
    if (server_) server_->close();
  }

 private:
  config_endpoint listen_;
  std::string greeting_;
  bool hang_ = false;
  bool fail_ = false;
  health_registry health_;
  std::shared_ptr<http_router> router_ = std::make_shared<http_router>();
  std::optional<http_server> server_;
};

}  // namespace

int main(int argc, char** argv) {
  return run_daemon(argc, argv,
                    {.name = "probe",
                     .summary = "Does nothing, well.",
                     .env_prefix = "PROBE",
                     .make = [] { return std::make_unique<probe>(); }});
}
