#include "mmsgw/mmsgw.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <future>
#include <map>

#include "common/health.hpp"
#include "common/http_server.hpp"
#include "common/log.hpp"
#include "connectors/media_adaptation_config.hpp"
#include "mmsgw/config.hpp"
#include "mmsgw/maildir.hpp"
#include "mmsgw/mm4_intake.hpp"
#include "mmsgw/part_adapter.hpp"
#include "mmsgw/postgres_listener.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"mmsgw"};

class mmsgw final : public daemon {
 public:
  void configure(config_reader& reader) override { config_ = mms::read_mmsgw_config(reader); }

  bool start(daemon_context& context) override {
    context_ = &context;
    // Everything that touches the store runs in one thread; requests are read and answered in another, if there is one.
    executor_ = context.pool.executor(0);
    http_executor_ = context.pool.executor(context.pool.size() > 1 ? 1 : 0);
    std::string why;
    auto database =
        config_.postgres ? mms::open_postgres(*config_.postgres, why) : mms::open_sqlite(config_.store_path, why);
    if (!database) {
      log_.error("cannot open the store", {{"reason", why}});
      return false;
    }
    auto store = std::make_unique<mms::store>(std::move(database), mms::make_id());
    http_client_ = std::make_unique<http_client>(http_client_options{.user_agent = "msgkit-mmsgw"});
    return on(executor_, [&] { return start_parts(std::move(store)); }) &&
           on(http_executor_, [&] { return start_http(); }) && on(executor_, [&] { return start_traffic(); });
  }

  std::function<void()> reload(config_reader& reader) override {
    const auto next = std::make_shared<const mms::mmsgw_config>(mms::read_mmsgw_config(reader));
    return [this, next] {
      tell_what_waits(*next);
      asio::post(executor_, [this, next] { reconfigure(*next); });
      asio::post(http_executor_, [this, next] {
        for (const auto& g : next->mm7_gateways)
          for (const auto& link : mm7_links_)
            if (link->name() == g.name) link->admit_only(g.callers);
      });
    };
  }

  void drain(std::function<void()> done) override {
    health_.set_draining();
    asio::post(executor_, [this, done = std::move(done)] {
      if (mm4_server_) mm4_server_->stop();
      for (const auto& m : maildirs_) m->stop();
      asio::post(http_executor_, [this, done] {
        http_->drain([this, done] { asio::post(executor_, [this, done] { hub_->drain(done); }); });
      });
    });
  }

  void stop() override {
    if (http_client_) http_client_->stop();
    if (http_executor_) on(http_executor_, [&] { return stop_http(); });
    if (executor_) on(executor_, [&] { return stop_parts(); });
    http_client_.reset();
  }

 private:
  // Connections, listeners and the store are made at the start.
  void tell_what_waits(const mms::mmsgw_config& next) const {
    const auto made_of = [](const mms::mmsgw_config& c) {
      std::map<std::string, std::string> all{{"http.listen", c.http.to_string()}, {"mm4.listen", c.mm4.to_string()}};
      const auto add = [&](const auto& g) {
        const auto& to = g.client.connect;
        all["gateway " + g.name] = g.group + ' ' + to.host + ':' + std::to_string(to.port);
      };
      for (const auto& g : c.mm4_gateways) add(g);
      for (const auto& g : c.mm7_gateways) add(g);
      if (const auto& a = c.adaptation)
        all["media.adaptation"] = fmt::format("{} {} {} {} {} {}", a->image_program, a->audio_video_program, a->workers,
                                              a->queue_max, a->timeout.count(), a->memory_octets_max);
      return all;
    };
    const auto old = made_of(config_), now = made_of(next);
    for (const auto* side : {&old, &now})
      for (const auto& [what, value] : *side) {
        const auto& other = side == &old ? now : old;
        const auto found = other.find(what);
        if (found == other.end() || (side == &old && found->second != value))
          log_.warn("takes effect at the next start", {{"what", what}});
      }
  }

  void reconfigure(const mms::mmsgw_config& next) {
    std::map<std::string, mms::gateway_options> options;
    std::vector<mm4::peer> peers;
    for (const auto& g : next.mm4_gateways) options[g.name] = g.options;
    for (const auto& g : next.mm7_gateways) options[g.name] = g.options;
    if (!hub_) return;
    hub_->reconfigure(next.hub, options);
    set_lookup(next);
    for (const auto& g : next.mm4_gateways)
      if (std::ranges::any_of(mm4_links_, [&](const auto& l) { return l->name() == g.name; }))
        peers.push_back(listener_peer_of(g));
    if (mm4_server_) mm4_server_->set_peers(std::move(peers));
  }

  void set_lookup(const mms::mmsgw_config& c) {
    hub_->set_lookup(make_number_lookup(c.lookup, executor_, *http_client_, context_->metrics),
                     c.lookup && c.lookup->waits);
  }

  static bool on(const asio::any_io_executor& executor, const std::function<bool()>& work) {
    std::promise<bool> done;
    asio::post(executor, [&] { done.set_value(work()); });
    return done.get_future().get();
  }

  bool start_parts(std::unique_ptr<mms::store> store) {
    hub_ = std::make_unique<mms::hub>(executor_, std::move(store), *http_client_, config_.hub, context_->metrics);
    if (config_.adaptation)
      hub_->adapt_with(
          std::make_unique<mms::part_adapter>(*config_.adaptation, count_media_adaptations(context_->metrics)));
    set_lookup(config_);
    for (const auto& g : config_.mm4_gateways) {
      mm4_links_.push_back(std::make_shared<mms::mm4_link>(executor_, g));
      hub_->add(mm4_links_.back(), g.options);
    }
    for (const auto& g : config_.mm7_gateways) {
      mm7_links_.push_back(
          std::make_shared<mms::mm7_link>(executor_, http_executor_, g, *hub_, config_.hub.part_bytes_max));
      hub_->add(mm7_links_.back(), g.options);
    }
    return true;
  }

  bool start_traffic() {
    const auto intake = std::make_shared<mms::mm4_intake>(*hub_, mm4_links_, config_.hub.part_bytes_max);
    if (!start_mm4(intake) || !start_maildirs(intake)) return false;
    hub_->start();
    if (config_.postgres) {
      listener_ = std::make_unique<mms::postgres_listener>(executor_, *config_.postgres, hub_->data().instance(),
                                                           [this] { hub_->called(); });
      listener_->start();
    }
    log_.info("ready", {{"http_port", http_->port()}, {"mm4_port", mm4_server_ ? mm4_server_->port() : 0}});
    return true;
  }

  bool start_http() {
    auto router = std::make_shared<http_router>();
    add_health_routes(*router, health_, context_->metrics);
    mms::add_api(*router, *hub_, mms::mailbox(executor_), config_.api);
    // By name, or by a group that is no name: the first of the group takes it.
    std::map<std::string, std::shared_ptr<mms::mm7_link>> intakes;
    for (const auto& link : mm7_links_) intakes[link->name()] = link;
    for (const auto& link : mm7_links_)
      if (mms::is_path_segment(link->group())) intakes.try_emplace(link->group(), link);
    for (const auto& [path, link] : intakes)
      router->add(
          "POST", "/mmsgw/v1/mms/inbound/" + path,
          [link](const http_request& request, const http_responder& responder) { link->post(request, responder); },
          {.body_bytes_max = 2 * config_.message_bytes_max});
    http_server_options options;
    options.listen.listen_host = config_.http.host;
    options.listen.listen_port = config_.http.port;
    options.listen.tls = config_.http_tls;
    http_ = std::make_unique<http_server>(http_executor_, router, options);
    if (const auto ec = http_->listen()) {
      log_.error("cannot listen", {{"key", "http.listen"}, {"port", config_.http.port}, {"reason", ec}});
      return false;
    }
    return true;
  }

  bool start_mm4(std::shared_ptr<mms::mm4_intake> intake) {
    if (config_.mm4_gateways.empty()) return true;
    mm4::server_options o;
    o.accept.listen_host = config_.mm4.host;
    o.accept.listen_port = config_.mm4.port;
    o.accept.tls = config_.mm4_tls;
    o.starttls = config_.mm4_starttls;
    o.session.host_name = config_.mm4_host_name;
    o.session.message_bytes_max = 2 * config_.message_bytes_max;
    o.limits.message_bytes_max = 2 * config_.message_bytes_max;
    for (const auto& g : config_.mm4_gateways) o.peers.push_back(listener_peer_of(g));
    mm4_server_ = std::make_unique<mm4::server>(executor_, std::move(o), mms::make_mm4_handler(std::move(intake)));
    if (const auto ec = mm4_server_->listen()) {
      log_.error("cannot listen", {{"key", "mm4.listen"}, {"port", config_.mm4.port}, {"reason", ec}});
      return false;
    }
    return true;
  }

  bool start_maildirs(const std::shared_ptr<mms::mm4_intake>& intake) {
    for (const auto& g : config_.mm4_gateways) {
      if (g.maildir.empty()) continue;
      mms::maildir_options o{
          .directory = g.maildir, .gateway = g.name, .profile = g.profile, .interval = config_.maildir_interval};
      o.limits.message_bytes_max = 2 * config_.message_bytes_max;
      maildirs_.push_back(std::make_shared<mms::maildir>(executor_, std::move(o), intake));
      std::string why;
      if (maildirs_.back()->start(why)) continue;
      log_.error("cannot use a Maildir", {{"gateway", g.name}, {"reason", why}});
      return false;
    }
    return true;
  }

  // First: what is under way to the hub still finds it.
  bool stop_http() {
    if (http_) http_->close();
    http_.reset();
    for (const auto& link : mm7_links_) link->close_intake();
    return true;
  }

  bool stop_parts() {
    for (const auto& m : maildirs_) m->stop();
    maildirs_.clear();
    mm4_server_.reset();
    mm4_links_.clear();
    mm7_links_.clear();
    listener_.reset();
    hub_.reset();
    return true;
  }

  mms::mmsgw_config config_;
  daemon_context* context_ = nullptr;
  asio::any_io_executor executor_, http_executor_;
  health_registry health_;
  std::unique_ptr<http_client> http_client_;
  std::unique_ptr<mms::hub> hub_;
  std::unique_ptr<mms::postgres_listener> listener_;
  std::vector<std::shared_ptr<mms::mm4_link>> mm4_links_;
  std::vector<std::shared_ptr<mms::mm7_link>> mm7_links_;
  std::unique_ptr<mm4::server> mm4_server_;
  std::vector<std::shared_ptr<mms::maildir>> maildirs_;
  std::unique_ptr<http_server> http_;
};

}  // namespace

std::unique_ptr<daemon> make_mmsgw() { return std::make_unique<mmsgw>(); }

}  // namespace msgkit::app
