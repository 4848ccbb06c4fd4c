#include "msggw/http_carriers.hpp"

#include <atomic>
#include <optional>

#include "common/log.hpp"
#include "connectors/http_dialect_json.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"carriers"};

// Of a carrier whose type is none of ours nothing; of a template with faults, these in `faults`.
std::optional<http_dialect> dialect_of(const carrier& c, std::vector<std::string>& faults) {
  if (c.type == generic_carrier_type)
    return read_http_dialect(c.http_template.empty() ? "{}" : c.http_template, faults);
  const auto* const known = find_http_dialect(c.type);
  return known == nullptr ? std::nullopt : std::optional(*known);
}

signature_options signature_of(const carrier& c, const http_dialect& dialect, const std::string& public_url) {
  signature_options s{.recipe = dialect.signature,
                      .public_base_url = public_url,
                      .token_header = dialect.token_header,
                      .token_query = dialect.token_query,
                      .hmac = dialect.signature_hmac,
                      .insecure = c.insecure_webhooks};
  if (auto ranges = ip_ranges::parse(dialect.addresses)) s.addresses = *std::move(ranges);
  for (const auto& secret : {c.signing_secret, c.signing_secret_old})
    if (!secret.empty()) s.secrets.push_back(secret);
  // These two sign with the same token that we log in with.
  const bool signs_with_password =
      dialect.signature == signature_recipe::twilio || dialect.signature == signature_recipe::plivo_v2;
  if (s.secrets.empty() && signs_with_password && !c.password.empty()) s.secrets.push_back(c.password);
  return s;
}

// What a template and the carrier's own fields must make together.
void check_generic(const carrier& c, const http_dialect& d, std::vector<std::string>& faults) {
  if (c.http_template.empty()) {
    faults = {"template: is missing"};
    return;
  }
  if (d.base_url.empty() && c.base_url.empty() && !d.path.empty())
    faults.emplace_back("base_url: is missing, and template.url names no host");
  const bool logs_in = d.login != http_login::none || !d.login_header.empty() || names(d, "password") ||
                       d.media_login != http_login::none;
  if (logs_in && c.password.empty()) faults.emplace_back("password: is missing, and the template uses it");
  const bool has_webhooks = !d.inbound.from.empty() || !d.status.word.empty();
  if (has_webhooks && d.signature == signature_recipe::none && !c.insecure_webhooks)
    faults.emplace_back("template.signature.type: none is for laboratories: needs insecure_webhooks");
  if (!d.addresses.empty() && !ip_ranges::parse(d.addresses))
    faults.emplace_back("template.signature.addresses: must be addresses and ranges like 192.0.2.0/24");
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
               .base_url = c.base_url,
               .webhook_token = c.signing_secret};
  o.signature = signature_of(c, dialect, config.public_url);
  if (!config.public_url.empty()) o.callback_url = config.public_url + "/status/" + c.webhook_id;
  o.window = dialect.window;
  o.segments_per_second = c.segments_per_second;
  o.transliterate = c.transliterate;
  o.timeout = std::chrono::seconds{c.timeout_secs};
  o.guard = config.guard;
  o.media = media.intake;
  o.media_base_url = media.base_url;
  o.media_is_public = !config.public_url.empty();
  o.is_ours = media.is_ours;
  o.adapter = media.adapter;
  o.in_class = c.in_class;
  return o;
}

}  // namespace

std::vector<std::string> faults_of_http_carrier(const carrier& c) {
  std::vector<std::string> faults;
  const auto dialect = dialect_of(c, faults);
  if (!dialect) return {};
  if (c.type == generic_carrier_type) check_generic(c, *dialect, faults);
  else if (!c.http_template.empty()) faults.emplace_back("template: is for carriers of type generic");
  else if (c.password.empty()) faults.emplace_back("password: is missing");
  return faults;
}

std::string check_webhooks(const carrier& c, const http_outbound_config& config) {
  std::vector<std::string> faults;
  const auto dialect = dialect_of(c, faults);
  if (!dialect) return {};
  const bool has_webhooks = !dialect->inbound.from.empty() || !dialect->status.word.empty();
  return has_webhooks ? check(signature_of(c, *dialect, config.public_url)) : std::string();
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
  auto types = http_dialect_names();
  types.emplace_back(generic_carrier_type);
  for (auto& type : types) {
    carriers.add_type(std::move(type),
                      [this](const asio::any_io_executor& executor, const carrier& c,
                             std::string& why) -> std::unique_ptr<carrier_connector> {
                        auto faults = faults_of_http_carrier(c);
                        const auto dialect = dialect_of(c, faults);
                        if (!faults.empty() || !dialect) {
                          why = faults.empty() ? "type: is unknown" : faults.front();
                          return nullptr;
                        }
                        if (const auto problem = check_webhooks(c, config_); !problem.empty())
                          log_.warn("webhooks of this carrier are refused", {{"carrier", c.name}, {"reason", problem}});
                        if (c.in_class != media_class::none && media_.adapter == nullptr)
                          log_.warn("media.adaptation is not enabled: media go as they are", {{"carrier", c.name}});
                        return std::make_unique<connector>(*this, executor, c.webhook_id,
                                                           options_of(c, *dialect, config_, media_));
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
