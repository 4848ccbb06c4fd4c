#include "msggw/http_metrics.hpp"

#include <array>

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"http"};

std::string word(engine::attempt_outcome o) {
  constexpr std::array<std::string_view, 7> names{"sent",      "delivered", "temporary", "permanent",
                                                  "throttled", "unknown",   "not_sent"};
  return std::string(names[static_cast<std::size_t>(o)]);
}

std::string word(webhook_answer a) {
  constexpr std::array<std::string_view, 4> names{"taken", "forged", "unreadable", "busy"};
  return std::string(names[static_cast<std::size_t>(a)]);
}

// Carriers run on several executors; looking a series up is the registry's business, and it is thread-safe.
class carrier_observer final : public http_carrier_observer {
 public:
  explicit carrier_observer(metrics& registry) : registry_(registry) {}

  void on_attempt(const std::string& carrier, engine::attempt_outcome o, std::chrono::milliseconds took) override {
    registry_
        .counter("http_carrier_requests_total", "Messages handed to HTTP carriers",
                 {{"carrier", carrier}, {"result", word(o)}})
        .add();
    registry_.histogram("http_carrier_request_seconds", "From request to answer", {{"carrier", carrier}})
        .observe(std::chrono::duration<double>(took).count());
  }
  void on_webhook(const std::string& carrier, webhook_answer a) override {
    registry_
        .counter("http_carrier_webhooks_total", "Webhooks of HTTP carriers",
                 {{"carrier", carrier}, {"result", word(a)}})
        .add();
  }
  void on_bad_signature(const std::string& carrier, signature_verdict verdict) override {
    registry_
        .counter("webhook_signature_failures_total", "Webhooks refused for their signature",
                 {{"carrier", carrier}, {"reason", std::string(name(verdict))}})
        .add();
    log_.warn("webhook refused", {{"carrier", carrier}, {"reason", name(verdict)}});
  }
  void on_ignored(const std::string& carrier, std::size_t events) override {
    registry_
        .counter("http_carrier_ignored_events_total", "Events in webhooks that mean nothing to us",
                 {{"carrier", carrier}})
        .add(events);
  }
  void on_media(const std::string& carrier, std::size_t kept, std::size_t lost, const std::string& why) override {
    const auto count = [&](const char* what, std::size_t n) {
      registry_
          .counter("http_carrier_media_total", "Media of inbound messages", {{"carrier", carrier}, {"result", what}})
          .add(n);
    };
    count("kept", kept);
    count("lost", lost);
    if (lost > 0) log_.warn("media of an inbound message are lost", {{"carrier", carrier}, {"reason", why}});
  }
  void on_opted_out(const std::string& carrier, const std::string&, const std::string&) override {
    registry_
        .counter("http_carrier_opt_outs_total", "Messages a carrier refused since the recipient opted out",
                 {{"carrier", carrier}})
        .add();
  }

 private:
  metrics& registry_;
};

class client_observer final : public web_client_observer {
 public:
  explicit client_observer(metrics& registry) : registry_(registry) {}

  void on_attempt(const std::string& client, engine::attempt_outcome o, unsigned status,
                  std::chrono::milliseconds took) override {
    registry_
        .counter("webhook_total", "Webhooks to clients by the answer's status, 0 for none",
                 {{"client", client}, {"code", std::to_string(status)}, {"result", word(o)}})
        .add();
    registry_.histogram("webhook_seconds", "From request to answer", {{"client", client}})
        .observe(std::chrono::duration<double>(took).count());
  }
  void on_rest(const std::string& client, std::chrono::milliseconds rest) override {
    registry_.counter("webhook_rests_total", "Times that a failing webhook was left alone", {{"client", client}}).add();
    log_.warn("webhook fails, it is left alone", {{"client", client}, {"rest_ms", rest.count()}});
  }

 private:
  metrics& registry_;
};

}  // namespace

std::shared_ptr<web_client_observer> make_web_client_observer(metrics& registry) {
  return std::make_shared<client_observer>(registry);
}

std::shared_ptr<http_carrier_observer> make_http_carrier_observer(metrics& registry) {
  return std::make_shared<carrier_observer>(registry);
}

}  // namespace msgkit::app
