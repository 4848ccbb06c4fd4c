#include "msggw/media/media_part.hpp"

#include <asio/post.hpp>

#include "connectors/media_adaptation_config.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {

struct media_part::sweeper : std::enable_shared_from_this<sweeper> {
  sweeper(const asio::any_io_executor& executor, media_shelf& s, std::chrono::milliseconds i)
      : timer(executor), shelf(s), interval(i) {}

  void go_on() {
    if (is_stopped) return;
    shelf.sweep();
    timer.expires_after(interval);
    timer.async_wait([self = shared_from_this()](std::error_code) { self->go_on(); });
  }

  driver_timer timer;
  media_shelf& shelf;
  std::chrono::milliseconds interval;
  bool is_stopped = false;
};

media_part::media_part(asio::any_io_executor executor, const media_config& config, std::unique_ptr<media_store> store,
                       http_client& client, metrics& registry)
    : shelf_(std::move(store)),
      intake_(
          executor, shelf_, config.intake,
          [&client](outbound_request r, http_client::handler h) { return client.send(std::move(r), std::move(h)); }),
      sweeper_(std::make_shared<sweeper>(executor, shelf_, config.sweep_interval)) {
  asio::post(executor, [s = sweeper_] { s->go_on(); });
  if (!config.adaptation) return;
  adapter_ = std::make_unique<media_adapter>(shelf_, *config.adaptation, count_media_adaptations(registry));
  collected_ = registry.on_collect([a = adapter_.get()](metric_sink& to) {
    to.gauge("media_adaptation_waiting", "Messages whose media wait for a worker", static_cast<double>(a->waiting()));
  });
}

std::unique_ptr<media_part> media_part::open(asio::any_io_executor executor, const media_config& config,
                                             const store_config& store, http_client& client, metrics& registry,
                                             std::string& problem) {
  auto opened = open_media_store(config, store, problem);
  if (!opened) return nullptr;
  return std::unique_ptr<media_part>(new media_part(std::move(executor), config, std::move(opened), client, registry));
}

void media_part::stop_adapting() {
  if (adapter_) adapter_->stop();
}

void media_part::stop() {
  stop_adapting();
  collected_.reset();
  asio::post(sweeper_->timer.get_executor(), [s = sweeper_] {
    s->is_stopped = true;
    s->timer.cancel();
  });
  intake_.stop();  // returns after what was posted before
}

}  // namespace msgkit::app
