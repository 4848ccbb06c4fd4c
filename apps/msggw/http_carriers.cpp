#include "msggw/http_carriers.hpp"

#include <atomic>

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"carriers"};

signature_options signature_of(const carrier& c, const http_dialect& dialect, const std::string& public_url) {
  signature_options s{.recipe = dialect.signature, .public_base_url = public_url, .insecure = c.insecure_webhooks};
  for (const auto& secret : {c.signing_secret, c.signing_secret_old})
    if (!secret.empty()) s.secrets.push_back(secret);
  // These two sign with the same token that we log in with.
  const bool signs_with_password =
      dialect.signature == signature_recipe::twilio || dialect.signature == signature_recipe::plivo_v2;
  if (s.secrets.empty() && signs_with_password && !c.password.empty()) s.secrets.push_back(c.password);
  return s;
}

http_carrier_options options_of(const carrier& c, const http_dialect& dialect, const http_outbound_config& config,
                                const http_carrier_media& media) {
  http_carrier_options o;
  o.name = c.name;
  o.dialect = dialect;
  o.account = {.username = c.username,
               .password = c.password,
               .account = c.account,
               .profile_id = c.profile_id,
               .base_url = c.base_url};
  o.signature = signature_of(c, dialect, config.public_url);
  if (!config.public_url.empty()) o.callback_url = config.public_url + "/status/" + c.webhook_id;
  o.segments_per_second = c.segments_per_second;
  o.transliterate = c.transliterate;
  o.timeout = std::chrono::seconds{c.timeout_secs};
  o.guard = config.guard;
  o.media = media.intake;
  o.media_base_url = media.base_url;
  o.media_is_public = !config.public_url.empty();
  o.is_ours = media.is_ours;
  return o;
}

}  // namespace

std::string check_http_carrier(const carrier& c) {
  if (c.password.empty()) return "password: is missing";
  return {};
}

std::string check_webhooks(const carrier& c, const http_outbound_config& config) {
  const auto* const dialect = find_http_dialect(c.type);
  return dialect == nullptr ? std::string() : check(signature_of(c, *dialect, config.public_url));
}

// There is no connection to watch: an HTTP carrier counts as up while it takes messages.
class http_carriers::connector final : public carrier_connector {
 public:
  connector(http_carriers& all, const asio::any_io_executor& executor, std::string webhook_id,
            http_carrier_options options)
      : all_(all),
        webhook_id_(std::move(webhook_id)),
        carrier_(
            executor, all.engine_, std::move(options),
            [&client = all.client_, ca_file = all.config_.ca_file](outbound_request r, http_client::handler done) {
              r.ca_file = ca_file;
              return client.send(std::move(r), std::move(done));
            },
            all.observer_) {
    // A changed carrier's successor is made before it goes, and keeps its path.
    const std::lock_guard lock(all_.mutex_);
    all_.by_webhook_[webhook_id_] = this;
  }
  ~connector() override {
    const std::lock_guard lock(all_.mutex_);
    const auto mine = all_.by_webhook_.find(webhook_id_);
    if (mine != all_.by_webhook_.end() && mine->second == this) all_.by_webhook_.erase(mine);
  }

  void start() override {
    carrier_.start();
    is_up_ = true;
  }
  void stop(std::function<void()> done) override {
    is_up_ = false;
    carrier_.stop(std::move(done));
  }
  [[nodiscard]] bool is_up() const override { return is_up_; }
  void take_webhook(http_request request, const http_responder& responder) {
    carrier_.take_webhook(std::move(request), responder);
  }

 private:
  http_carriers& all_;
  std::string webhook_id_;
  std::atomic<bool> is_up_{false};
  http_carrier carrier_;
};

http_carriers::http_carriers(http_outbound_config config, http_carrier_media media, http_client& client,
                             engine::inbox& e, std::shared_ptr<http_carrier_observer> observer)
    : config_(std::move(config)),
      media_(std::move(media)),
      client_(client),
      engine_(e),
      observer_(std::move(observer)) {}

void http_carriers::add_types(carrier_set& carriers) {
  for (const auto& name : http_dialect_names()) {
    carriers.add_type(
        name,
        [this, dialect = find_http_dialect(name)](const asio::any_io_executor& executor, const carrier& c,
                                                  std::string& why) -> std::unique_ptr<carrier_connector> {
          why = check_http_carrier(c);
          if (!why.empty()) return nullptr;
          if (const auto problem = check_webhooks(c, config_); !problem.empty())
            log_.warn("webhooks of this carrier are refused", {{"carrier", c.name}, {"reason", problem}});
          return std::make_unique<connector>(*this, executor, c.webhook_id, options_of(c, *dialect, config_, media_));
        });
  }
}

void http_carriers::add_routes(http_router& router) {
  for (const auto* const method : {"POST", "GET"})
    for (const auto* const pattern : {"/inbound/{carrier}", "/status/{carrier}"})
      router.add(method, pattern, [this](http_request request, const http_responder& responder) {
        take(std::move(request), responder);
      });
}

void http_carriers::take(http_request request, const http_responder& responder) {
  const std::lock_guard lock(mutex_);
  const auto found = by_webhook_.find(request.path_parameter("carrier"));
  if (found == by_webhook_.end()) return responder.send(http_error(404, "not_found", "no carrier has this webhook"));
  found->second->take_webhook(std::move(request), responder);
}

}  // namespace msgkit::app
