#include "mqtt_redis/mqtt_redis.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/log.hpp"
#include "mqtt_redis/certificate.hpp"
#include "mqtt_redis/config.hpp"
#include "mqtt_redis/explain.hpp"
#include "msgkit/bridge/net/relay_driver.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"mqtt_redis"};
constexpr std::chrono::seconds drain_time{5};
constexpr std::chrono::milliseconds spool_retry{200};  // until the connections of an earlier link have let go of it
constexpr int spool_attempts = 50;
constexpr std::chrono::microseconds rest_under_load{120};  // the added latency of some messages, for far fewer wake-ups
constexpr std::string_view link_names[] = {"mqtt", "writer", "subscriber", "reader"};

struct counter_row {
  std::string_view name;
  std::string_view help;
  std::uint64_t bridge::relay_counters::*value;
};
constexpr counter_row counter_table[] = {
    {"mqtt_redis_from_mqtt_total", "Messages received from the broker", &bridge::relay_counters::from_mqtt},
    {"mqtt_redis_from_redis_total", "Messages received from Redis", &bridge::relay_counters::from_redis},
    {"mqtt_redis_to_redis_total", "Deliveries Redis accepted", &bridge::relay_counters::to_redis},
    {"mqtt_redis_to_mqtt_total", "Deliveries the broker accepted", &bridge::relay_counters::to_mqtt},
    {"mqtt_redis_unmatched_total", "Messages no rule takes", &bridge::relay_counters::unmatched},
    {"mqtt_redis_dropped_full_total", "At most once messages over queue_max", &bridge::relay_counters::dropped_full},
    {"mqtt_redis_dropped_loop_total", "Messages that came back", &bridge::relay_counters::dropped_loop},
    {"mqtt_redis_dropped_echo_total", "Taken for what the bridge has sent", &bridge::relay_counters::dropped_echo},
    {"mqtt_redis_acknowledged_total", "Messages whose source was told", &bridge::relay_counters::acknowledged},
    {"mqtt_redis_unreplicated_total", "WAIT that ended with too few replicas", &bridge::relay_counters::unreplicated},
    {"mqtt_redis_dead_total", "Messages put to the dead letters", &bridge::relay_counters::dead},
    {"mqtt_redis_dead_lost_total", "Dead letters Redis refused", &bridge::relay_counters::dead_lost},
    {"mqtt_redis_retried_total", "Commands sent to Redis again", &bridge::relay_counters::retried},
    {"mqtt_redis_no_receiver_total", "PUBLISH that nobody listened to", &bridge::relay_counters::no_receiver},
    {"mqtt_redis_qos_downgraded_total", "QoS 0 on a subscription of 1 or 2", &bridge::relay_counters::qos_downgraded},
    {"mqtt_redis_subscriptions_refused_total", "Filters the broker refused",
     &bridge::relay_counters::subscriptions_refused},
    {"mqtt_redis_subscriptions_weaker_total", "Filters granted with a lower QoS than asked for",
     &bridge::relay_counters::subscriptions_weaker},
    {"mqtt_redis_spooled_total", "Messages put to the spool", &bridge::relay_counters::spooled},
    {"mqtt_redis_spool_refused_total", "Appends to the spool that failed", &bridge::relay_counters::spool_refused},
    {"mqtt_redis_duplicates_total", "Messages a rule's dedupe dropped", &bridge::relay_counters::duplicates},
    {"mqtt_redis_sessions_lost_total", "The broker forgot our session: what it had queued is lost",
     &bridge::relay_counters::sessions_lost},
};

struct rule_row {
  std::string_view name;
  std::string_view help;
  std::uint64_t bridge::rule_counters::*value;
};
constexpr rule_row rule_table[] = {
    {"mqtt_redis_rule_received_total", "Messages the rule takes", &bridge::rule_counters::received},
    {"mqtt_redis_rule_forwarded_total", "Accepted by the other side", &bridge::rule_counters::forwarded},
    {"mqtt_redis_rule_dead_total", "Put to the dead letters", &bridge::rule_counters::dead},
    {"mqtt_redis_rule_duplicates_total", "Dropped by dedupe", &bridge::rule_counters::duplicates},
    {"mqtt_redis_rule_no_receiver_total", "PUBLISH that nobody listened to", &bridge::rule_counters::no_receiver},
};

// From 0.1 ms: what the bridge adds; to 60 s: what an outage adds.
constexpr double forward_buckets[] = {0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                      0.05,   0.1,    0.5,    1,      5,     10,    30,    60};

// Belongs to the main thread, as HTTP does: counters are read where they are written.
struct running_link {
  bridge_link config;
  std::shared_ptr<tls_context> mqtt_tls;
  std::shared_ptr<tls_context> redis_tls;
  bool stopping = false;
  std::uint64_t subscriptions_weaker = 0;                // likewise told
  std::uint64_t sessions_lost = 0;                       // told
  std::map<std::string_view, wall_time> certificates{};  // by side, when they end
  std::unique_ptr<bridge::relay_driver> driver;          // last: it calls back into the rest
};

class mqtt_redis final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = read_mqtt_redis_config(reader); }
  std::string check_text() const override { return explain_links(config_); }
  std::string explain(std::string_view name) const override { return explain_name(config_, name); }

  bool start(daemon_context& context) override {
    context_ = &context;
    for (const auto& c : config_.links) {
      auto made = make_link(c);
      if (!made || !make_driver(*made)) return false;
      links_.push_back(std::move(made));
    }
    if (!start_http()) return false;
    collected_ = context.metrics.on_collect([this](metric_sink& sink) { collect(sink); });
    for (const auto& l : links_) l->driver->start();
    log_.info("started", {{"links", links_.size()}, {"http_port", http_ ? http_->port() : 0}});
    return true;
  }

  std::function<void()> reload(config_reader& reader) override {
    auto fresh = std::make_shared<mqtt_redis_config>(read_mqtt_redis_config(reader));
    return [this, fresh] { apply(*fresh); };
  }

  void drain(std::function<void()> done) override {
    health_.set_draining();
    draining_ = true;
    std::erase_if(links_, [](const auto& l) { return !l->driver; });
    const auto left = std::make_shared<std::size_t>(links_.size() + leaving_.size());
    if (*left == 0) return done();
    const auto one_less = [left, done = std::move(done)] {
      if (--*left == 0) done();
    };
    for (const auto* list : {&links_, &leaving_})
      for (const auto& l : *list) {
        l->stopping = true;
        l->driver->stop(drain_time, one_less);
      }
  }

  void stop() override {
    checks_.clear();
    collected_.reset();
    if (http_) http_->close();
    links_.clear();
    leaving_.clear();
  }

 private:
  using link_list = std::vector<std::shared_ptr<running_link>>;

  static bool open_tls(const bridge_peer& p, std::string_view link, std::shared_ptr<tls_context>& out) {
    if (!p.tls) return true;
    auto made = tls_context::make(
        {.certificate_file = p.certificate_file, .private_key_file = p.private_key_file, .ca_file = p.ca_file},
        tls_role::client);
    if (!made) {
      log_.error("cannot use the certificates",
                 {{"link", link}, {"key", made.error().field}, {"reason", made.error().code}});
      return false;
    }
    out = *std::move(made);
    return true;
  }

  std::shared_ptr<running_link> make_link(const bridge_link& c) {
    auto made = std::make_shared<running_link>();
    made->config = c;
    if (!open_tls(c.mqtt, c.name, made->mqtt_tls) || !open_tls(c.redis, c.name, made->redis_tls)) return nullptr;
    note_certificates(*made);
    return made;
  }

  // The driver comes when the link starts: a link that it replaces may still hold the spool.
  bool make_driver(running_link& made) {
    const auto& c = made.config;
    bridge::relay_options relay;
    relay.mqtt.version = c.version_5 ? bridge::mqtt::version::v5 : bridge::mqtt::version::v3_1_1;
    relay.mqtt.client_id = c.client_id;
    relay.mqtt.user_name = c.mqtt.user;
    relay.mqtt.password = c.mqtt.password;
    relay.mqtt.clean_start = c.clean_start;
    relay.mqtt.session_expiry_seconds = static_cast<std::uint32_t>(c.session_expiry.count() / 1'000);
    relay.mqtt.keep_alive = std::chrono::duration_cast<std::chrono::seconds>(c.keep_alive);
    relay.mqtt.receive_maximum = c.receive_maximum;
    relay.mqtt.send_window = c.send_window;
    relay.redis.user_name = c.redis.user;
    relay.redis.password = c.redis.password;
    relay.redis.client_name = c.client_id;
    relay.redis.database = c.database;
    relay.instance = c.client_id;
    relay.group = c.group;
    relay.consumer = c.consumer;
    relay.queue_max = c.queue_max;
    relay.queue_bytes_max = c.queue_bytes_max;
    relay.deliveries_max = c.deliveries_max;
    relay.wait_replicas = c.wait_replicas;
    relay.wait_timeout = c.wait_timeout;
    relay.single_lock = single_lock(c);
    relay.loop_alarm.factor = c.loop_alarm;
    if (c.echo_filter) {
      std::random_device random;
      const auto word = [&random] { return std::uint64_t{random()} << 32 | random(); };
      relay.echo_filter = {.key = {word(), word()}};
    }
    if (!open_spool(c, relay.spool)) return false;
    relay.on_finished = [seconds = context_->metrics.histogram(
                             "mqtt_redis_forward_seconds", "From a message's arrival until it is acknowledged upstream",
                             {{"link", c.name}}, forward_buckets)](std::chrono::nanoseconds took) {
      seconds.observe(std::chrono::duration<double>(took).count());
    };
    bridge::relay_driver_options driver;
    driver.mqtt = {.host = c.mqtt.host, .port = c.mqtt.port, .tls = made.mqtt_tls};
    driver.redis = {.host = c.redis.host, .port = c.redis.port, .tls = made.redis_tls};
    for (const auto& at : c.sentinels)
      driver.sentinels.push_back({.host = at.host, .port = at.port, .tls = made.redis_tls});
    driver.sentinel_master = c.sentinel_master;
    driver.sentinel_session.user_name = c.sentinel_user;
    driver.sentinel_session.password = c.sentinel_password;
    for (const auto& at : c.cluster) relay.cluster.push_back({.host = at.host, .port = at.port});
    relay.redis.master_only = !c.sentinels.empty();
    driver.mqtt_websocket_path = c.websocket_path;
    driver.rest = rest_under_load;
    driver.reconnect.maximum = c.reconnect_max;
    driver.reconnect.initial = std::min(driver.reconnect.initial, c.reconnect_max);
    driver.on_link = [this, raw = &made, name = c.name](bridge::link l, bool up, std::string_view why) {
      if (raw->stopping || !raw->driver) return;  // we hang up ourselves
      const auto& core = raw->driver->relay();
      const auto side = link_names[static_cast<std::size_t>(core.role(l))];
      const auto* const node = core.address(l);
      const auto told = std::string(side) + (node != nullptr ? " " + to_string(*node) : "");
      if (up) return on_up(*raw, told);
      log_.warn("not connected", {{"link", name}, {"side", told}, {"reason", why}});
      context_->metrics
          .counter("mqtt_redis_disconnects_total", "Connections lost or not made",
                   {{"link", name}, {"side", std::string(side)}})
          .add();
    };
    std::vector<bridge::rule_error> errors;  // judged when the configuration was read
    made.driver = std::make_unique<bridge::relay_driver>(context_->executor, bridge::rule_set::make(c.rules, errors),
                                                         relay, driver);
    return true;
  }

  static bool open_spool(const bridge_link& c, std::shared_ptr<bridge::spool>& out) {
    if (c.spool_directory.empty()) return true;
    bridge::spool_options o;
    o.bytes_max = c.spool_bytes_max;
    o.segment_bytes = std::min(o.segment_bytes, o.bytes_max / 4);
    if (c.spool_drops_oldest) o.when_full = bridge::spool_full::drop_oldest;
    auto files = bridge::open_spool_directory(c.spool_directory);
    auto made = files ? bridge::spool::open(*std::move(files), o) : files.error();
    if (!made) {
      log_.error("cannot open the spool",
                 {{"link", c.name}, {"directory", c.spool_directory}, {"reason", made.error().code}});
      return false;
    }
    out = *std::move(made);
    return true;
  }

  void on_up(running_link& l, const std::string& side) {
    log_.info("connected", {{"link", l.config.name}, {"side", side}});
    if (const auto weaker = l.driver->relay().counters().subscriptions_weaker;
        std::exchange(l.subscriptions_weaker, weaker) != weaker)
      log_.warn("the broker grants a lower QoS than the rules ask for", {{"link", l.config.name}});
    if (const auto lost = l.driver->relay().counters().sessions_lost; std::exchange(l.sessions_lost, lost) != lost)
      log_.warn("the broker has forgotten the session: messages it had queued are lost", {{"link", l.config.name}});
  }

  static void note_certificates(running_link& l) {
    l.certificates.clear();
    for (const auto& [side, peer] : {std::pair("mqtt", &l.config.mqtt), std::pair("redis", &l.config.redis)})
      if (const auto end = certificate_end(peer->certificate_file)) l.certificates.emplace(side, *end);
  }

  // A link that is the same, or has other rules alone, stays connected; its certificates are read again for the next
  // connection.
  void apply(const mqtt_redis_config& fresh) {
    if (draining_) return;
    link_list next;
    std::size_t kept = 0;
    std::vector<std::pair<std::shared_ptr<running_link>, const bridge_link*>> changed;
    std::vector<std::shared_ptr<running_link>> started;
    for (const auto& c : fresh.links) {
      const auto same = std::ranges::find_if(links_, [&](const auto& l) { return l->config == c; });
      if (same != links_.end()) {
        ++kept;
        reload_tls(**same);
        next.push_back(*same);
        continue;
      }
      if (const auto running = with_other_rules(c); running != nullptr) {
        changed.emplace_back(running, &c);
        next.push_back(running);
        continue;
      }
      auto made = make_link(c);
      if (!made) return log_.error("configuration not applied: the running one stays");
      started.push_back(made);
      next.push_back(std::move(made));
    }
    for (const auto& [l, c] : changed) change_rules(*l, *c);
    link_list gone;
    for (const auto& l : links_)
      if (std::ranges::find(next, l) == next.end()) gone.push_back(l);
    links_ = std::move(next);
    log_.info("configuration applied", {{"links_kept", kept},
                                        {"rules_changed", changed.size()},
                                        {"links_started", started.size()},
                                        {"links_stopped", gone.size()}});
    replace(gone, started);
  }

  // A link that differs in its rules alone.
  std::shared_ptr<running_link> with_other_rules(const bridge_link& c) const {
    for (const auto& l : links_) {
      auto same = c;
      same.rules = l->config.rules;
      if (l->driver && l->config == same) return l;
    }
    return nullptr;
  }

  // What the rules have in common stays subscribed, and what is open is finished.
  static void change_rules(running_link& l, const bridge_link& c) {
    reload_tls(l);
    l.config.rules = c.rules;
    std::vector<bridge::rule_error> errors;  // judged when the configuration was read
    l.driver->change_rules(bridge::rule_set::make(c.rules, errors));
  }

  // New ones begin when the old ones are gone: they may use the same client identifier or spool.
  void replace(const link_list& gone, const link_list& started) {
    const auto begin = [this, started] {
      for (const auto& l : started) begin_link(l, spool_attempts);
    };
    if (gone.empty()) return begin();
    const auto left = std::make_shared<std::size_t>(gone.size());
    for (const auto& l : gone) {
      if (!l->driver) {
        if (--*left == 0) begin();
        continue;
      }
      leaving_.push_back(l);
      l->stopping = true;
      l->driver->stop(drain_time, [this, l, left, begin] {
        std::erase(leaving_, l);
        if (--*left == 0) begin();
      });
    }
  }

  void begin_link(const std::shared_ptr<running_link>& l, int attempts) {
    if (draining_ || std::ranges::find(links_, l) == links_.end()) return;
    if (make_driver(*l)) return l->driver->start();
    if (attempts == 0) return;  // readiness tells
    const auto timer = std::make_shared<driver_timer>(context_->executor);
    timer->expires_after(spool_retry);
    timer->async_wait([this, alive = std::weak_ptr(alive_), l, attempts, timer](std::error_code ec) {
      if (!ec && alive.lock()) begin_link(l, attempts - 1);
    });
  }

  static void reload_tls(running_link& l) {
    for (const auto& t : {l.mqtt_tls, l.redis_tls}) {
      if (!t) continue;
      if (const auto done = t->reload(); !done)
        log_.error("certificates stay as they were",
                   {{"link", l.config.name}, {"key", done.error().field}, {"reason", done.error().code}});
    }
    note_certificates(l);
  }

  void collect(metric_sink& sink) const {
    for (const auto& l : links_) {
      if (!l->driver) continue;
      const auto& relay = l->driver->relay();
      const metric_labels labels{{"link", l->config.name}};
      for (const auto& row : counter_table)
        sink.counter(row.name, row.help, static_cast<double>(relay.counters().*row.value), labels);
      const auto side = [&l](std::string_view name) {
        return metric_labels{{"link", l->config.name}, {"side", std::string(name)}};
      };
      constexpr std::string_view open_name = "mqtt_redis_open_messages";
      constexpr std::string_view open_help = "Accepted and not acknowledged upstream yet, by where they came from";
      const auto from_mqtt = relay.open_from_mqtt();
      sink.gauge(open_name, open_help, static_cast<double>(from_mqtt), side("mqtt"));
      sink.gauge(open_name, open_help, static_cast<double>(relay.open_messages() - from_mqtt), side("redis"));
      sink.gauge("mqtt_redis_window", "Most messages open at once", l->config.receive_maximum, side("mqtt"));
      sink.gauge("mqtt_redis_window", "Most messages open at once", l->config.send_window, side("redis"));
      sink.gauge("mqtt_redis_lag_seconds", "Age of the oldest open message",
                 std::chrono::duration<double>(relay.oldest_open(driver_clock::now())).count(), labels);
      if (const auto* spool = relay.spool()) {
        sink.gauge("mqtt_redis_spool_bytes", "Segments on disk", static_cast<double>(spool->bytes()), labels);
        sink.gauge("mqtt_redis_spool_waiting", "Records not delivered", static_cast<double>(spool->waiting()), labels);
        sink.counter("mqtt_redis_spool_dropped_total", "Records that made room for newer ones",
                     static_cast<double>(spool->dropped()), labels);
        sink.counter("mqtt_redis_spool_damaged_total", "Segments with damage",
                     static_cast<double>(spool->damaged_segments()), labels);
      }
      collect_rules(sink, relay, l->config.name);
      if (std::ranges::any_of(l->config.rules, &bridge::rule_config::single))
        sink.gauge("mqtt_redis_single_held", "1: serves the rules with single", relay.holds_single() ? 1 : 0, labels);
      for (const auto& [name, end] : l->certificates)
        sink.gauge("mqtt_redis_cert_expiry_seconds", "Until our certificate ends",
                   std::chrono::duration<double>(end - driver_clock::wall_now()).count(), side(name));
      for (const auto which : bridge::roles)
        if (relay.is_needed(which))
          sink.gauge("mqtt_redis_connected", "1: connected and, where it subscribes, subscribed",
                     relay.is_up(which) ? 1 : 0, side(link_names[static_cast<std::size_t>(which)]));
    }
  }

  readiness check_links() const {
    for (const auto& l : links_) {
      if (!l->driver) return {false, "link " + l->config.name + " is not running"};
      if (!l->driver->relay().is_spool_writable()) return {false, "link " + l->config.name + ": spool takes nothing"};
      for (const auto which : bridge::roles)
        if (!l->driver->relay().is_up(which))
          return {false, "link " + l->config.name + ": " + std::string(link_names[static_cast<std::size_t>(which)]) +
                             " is not connected" + trouble(l->driver->relay(), which)};
    }
    return {true, std::to_string(links_.size()) + " links connected"};
  }

  static void collect_rules(metric_sink& sink, const bridge::relay& relay, const std::string& link) {
    const auto& rules = relay.rules().rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const metric_labels labels{{"link", link}, {"rule", rules[i].config().name}};
      for (const auto& row : rule_table)
        sink.counter(row.name, row.help, static_cast<double>(relay.counters_of(i).*row.value), labels);
      sink.gauge("mqtt_redis_loop_suspected", "1: far above the usual rate, and another rule could lead back",
                 relay.is_loop_suspected(i, driver_clock::now()) ? 1 : 0, labels);
    }
  }

  // Of the first link in that role that is away.
  static std::string trouble(const bridge::relay& relay, bridge::link role) {
    for (std::size_t i = 0; i < relay.link_count(); ++i) {
      const auto l = static_cast<bridge::link>(i);
      if (relay.role(l) != role || !relay.is_wanted(l) || relay.is_ready(l)) continue;
      const auto* const node = relay.address(l);
      return (node != nullptr ? " to " + to_string(*node) : "") + " " + std::string(relay.last_error(l));
    }
    return {};
  }

  bool start_http() {
    if (config_.http.port == 0) return true;
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics);
    checks_.push_back(health_.add("links", [this] { return check_links(); }));
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

  mqtt_redis_config config_;
  daemon_context* context_ = nullptr;
  health_registry health_;
  std::vector<std::shared_ptr<void>> checks_;
  std::shared_ptr<void> collected_;
  link_list links_;
  link_list leaving_;  // stopped by a new configuration, finishing what is open
  std::unique_ptr<http_server> http_;
  bool draining_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace

std::unique_ptr<daemon> make_mqtt_redis() { return std::make_unique<mqtt_redis>(); }

}  // namespace msgkit::app
