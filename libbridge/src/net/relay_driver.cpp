#include "msgkit/bridge/net/relay_driver.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/websocket/client.hpp"
#include "msgkit/core/net/clock.hpp"
#include "net/sentinel_finder.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::chrono::milliseconds stop_poll{20};
constexpr std::chrono::microseconds quick{60};  // from one read to the next
constexpr std::size_t small_read = 8 * 1024;    // more octets than that are a batch already
constexpr unsigned reads_before_rest = 20;
constexpr std::chrono::microseconds rest_max{1'000};
constexpr std::chrono::milliseconds elsewhere_after{50};  // a link that leads to another node of the cluster now

time_point steady_now() { return driver_clock::now(); }
wall_time wall_now() { return driver_clock::wall_now(); }

websocket::client make_websocket(const connect_options& peer, const std::string& path) {
  std::random_device random;
  byte_vector nonce;
  while (nonce.size() < 16) append_big(nonce, static_cast<std::uint32_t>(random()));
  const auto key = base64_encoded(as_text(nonce));
  const auto salted = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(salted.data(), salted.size(), digest.data(), &size, EVP_sha1(), nullptr);
  const bool bare_v6 = peer.host.find(':') != std::string::npos && !peer.host.starts_with('[');
  return websocket::client({.host = (bare_v6 ? "[" + peer.host + "]" : peer.host) + ":" + std::to_string(peer.port),
                            .path = path,
                            .key = key,
                            .accept = base64_encoded(as_text(bytes_view(digest).first(size))),
                            .mask = [] { return static_cast<std::uint32_t>(std::random_device{}()); }});
}

}  // namespace

struct relay_driver::impl : std::enable_shared_from_this<impl> {
  struct line {
    explicit line(const asio::any_io_executor& e) : dialer(e), retry(e) {}
    connector dialer;
    driver_timer retry;
    std::unique_ptr<sentinel_finder> finder;
    std::shared_ptr<stream> transport;
    std::optional<websocket::client> framing;  // around MQTT
    std::uint64_t generation = 0;
    std::uint32_t attempt = 0;
    time_point since{};
    bool under_way = false;    // looking for the master, connecting, or waiting to do so again
    bool turning = false;      // about to be dialled elsewhere
    redis::node_address node;  // of a cluster, that it is or was last connected to
    bool paused = false;
    bool told_ready = false;
  };

  // Belongs to one connection, so that a late call of an old one cannot touch the new one.
  struct handler final : stream_handler {
    handler(std::weak_ptr<impl> o, link l, std::uint64_t g) : owner(std::move(o)), which(l), generation(g) {}
    std::shared_ptr<impl> current() const {
      auto o = owner.lock();
      return o && o->line_of(which).generation == generation ? o : nullptr;
    }
    void on_bytes(bytes_view octets) override {
      if (const auto o = current()) o->received(which, octets);
    }
    void on_closed(std::error_code reason) override {
      if (const auto o = current()) o->lost(which, reason);
    }
    std::weak_ptr<impl> owner;
    link which;
    std::uint64_t generation;
  };

  impl(asio::any_io_executor e, rule_set rules, relay_options r, relay_driver_options o)
      : executor(std::move(e)),
        options(std::move(o)),
        core(std::move(rules), std::move(r)),
        timer(executor),
        stop_timer(executor) {
    options.rest = std::clamp(options.rest, std::chrono::microseconds{0}, rest_max);
    if (options.reconnect_seed == 0) options.reconnect_seed = reinterpret_cast<std::uintptr_t>(this);
  }

  line& line_of(link l) { return *lines[static_cast<std::size_t>(l)]; }

  // Links that are wanted are on their way; those that are not, or are to lead elsewhere, are given up.
  void dial_wanted() {
    if (!running) return;
    for (std::size_t i = 0; i < core.link_count(); ++i) {
      const auto l = link(i);
      if (lines.size() <= i) lines.push_back(std::make_unique<line>(executor));
      auto& at = *lines[i];
      if (at.under_way && !at.turning && is_in_vain(l)) {
        at.dialer.cancel();  // what was under way ends, and then this is looked at again
        at.retry.cancel();
      } else if (core.is_wanted(l) && !at.under_way && !at.transport) {
        dial(l);
      }
    }
  }

  bool is_in_vain(link l) {
    const auto* const node = core.address(l);
    return !core.is_wanted(l) || (node != nullptr && *node != line_of(l).node);
  }

  void dial(link l) {
    if (!running) return;
    auto& at = line_of(l);
    at.under_way = true;
    if (l == link::mqtt) return connect(l, options.mqtt);
    if (const auto* const node = core.address(l)) {
      if (std::exchange(at.node, *node) != *node) at.attempt = 0;
      auto peer = options.redis;
      peer.host = node->host;
      peer.port = node->port;
      return connect(l, peer);
    }
    if (options.sentinels.empty()) return connect(l, options.redis);
    auto& finder = line_of(l).finder;
    if (!finder)
      finder = std::make_unique<sentinel_finder>(executor, options.sentinels, options.sentinel_master,
                                                 options.sentinel_session);
    finder->find([weak = weak_from_this(), l](std::error_code ec, const std::string& host, std::uint16_t port) {
      const auto self = weak.lock();
      if (!self || !self->running) return;
      if (ec) return self->retry(l, ec);
      auto master = self->options.redis;
      master.host = host;
      master.port = port;
      self->connect(l, master);
    });
  }

  void connect(link l, const connect_options& peer) {
    auto& at = line_of(l);
    at.dialer.connect(peer, [weak = weak_from_this(), l](std::error_code ec, const std::shared_ptr<stream>& s) {
      const auto self = weak.lock();
      if (!self) {
        if (s) s->close({});
        return;
      }
      if (ec || !self->running || self->is_in_vain(l)) {
        if (s) s->close({});
        return self->retry(l, ec);
      }
      self->opened(l, s);
    });
  }

  void opened(link l, const std::shared_ptr<stream>& s) {
    auto& at = line_of(l);
    at.transport = s;
    at.since = steady_now();
    at.under_way = false;
    at.paused = at.told_ready = false;
    s->start(std::make_shared<handler>(weak_from_this(), l, ++at.generation));
    at.framing.reset();
    if (l == link::mqtt && !options.mqtt_websocket_path.empty()) {
      at.framing = make_websocket(options.mqtt, options.mqtt_websocket_path);
      if (const auto started = at.framing->start(); !started) s->close(started.error().code);
    }
    // CONNECT waits for the upgrade, which thereby has to come within the session's time limit.
    core.connected(l, steady_now(), wall_now());
    settle();
  }

  void received(link l, bytes_view octets) {
    auto& at = line_of(l);
    if (!at.framing) {
      core.feed(l, octets, steady_now(), wall_now());
      settle();
      return rest(octets.size());
    }
    const auto done = at.framing->feed(octets);
    core.feed(l, at.framing->received(), steady_now(), wall_now());
    at.framing->clear_received();
    settle();
    if (!done && at.transport) at.transport->close(done.error().code);
  }

  void rest(std::size_t octets) {
    if (options.rest.count() == 0) return;
    const auto now = steady_now();
    const bool is_quick = octets < small_read && now - last_read < quick;
    quick_reads = is_quick ? std::min(quick_reads + 1, 2 * reads_before_rest) : quick_reads / 2;
    last_read = now;
    if (quick_reads < reads_before_rest) return;
    std::this_thread::sleep_for(options.rest);
    last_read = steady_now();
  }

  // What the session wants to say, framed where the transport asks for it.
  void transmit(link l, line& at) {
    auto octets = core.output(l);
    if (at.framing) {
      if (!octets.empty() && at.framing->is_open()) {
        at.framing->send(octets);
        core.clear_output(l);
      }
      if (core.is_closed(l)) at.framing->close();
      octets = at.framing->output();
    }
    if (octets.empty()) return;
    at.transport->write(octets);
    at.transport->flush();
    if (at.framing) at.framing->clear_output();
    else core.clear_output(l);
  }

  void lost(link l, std::error_code reason) {
    auto& at = line_of(l);
    at.transport.reset();
    ++at.generation;
    core.disconnected(l, reason, steady_now(), wall_now());
    if (steady_now() - at.since >= options.stable_after) at.attempt = 0;
    settle();
    retry(l, reason);
  }

  void retry(link l, std::error_code reason) {
    auto& at = line_of(l);
    const bool in_vain = is_in_vain(l);
    if (options.on_link && !in_vain) {
      const auto why = core.last_error(l);
      options.on_link(l, false, why.empty() ? reason.message() : std::string(why));
    }
    if (!running) return;
    const auto seed = options.reconnect_seed + static_cast<std::uint64_t>(l);
    at.under_way = true;
    at.turning = in_vain;
    at.retry.expires_after(in_vain ? elsewhere_after : backoff_delay(options.reconnect, at.attempt++, seed));
    at.retry.async_wait([weak = weak_from_this(), l](std::error_code) {
      const auto self = weak.lock();
      if (!self) return;
      self->line_of(l).under_way = self->line_of(l).turning = false;
      self->dial_wanted();
    });
  }

  // Octets of one link may have made output for all of them.
  void settle() {
    dial_wanted();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto l = link(i);
      auto& at = *lines[i];
      if (!at.transport) continue;
      transmit(l, at);
      if (core.is_closed(l)) {
        at.transport->close_after_flush();
        continue;
      }
      if (at.transport->pending_bytes() > options.output_bytes_max) {
        at.transport->close(make_error_code(errc::queue_full));
        continue;
      }
      if (core.may_read(l) == at.paused) {
        at.paused = !at.paused;
        if (at.paused) at.transport->pause_reading();
        else at.transport->resume_reading();
      }
      if (core.is_ready(l) && !std::exchange(at.told_ready, true) && options.on_link) options.on_link(l, true, {});
    }
    sync();
    arm();
  }

  // On a thread of its own: keep-alive and the links go on while the disk works.
  void sync() {
    if (!core.wants_sync()) return;
    if (!syncer) syncer = std::make_unique<asio::thread_pool>(1);
    asio::post(*syncer, [weak = weak_from_this(), ex = executor, job = core.begin_sync()] {
      auto outcome = job();
      asio::post(ex, [weak, outcome] {
        const auto self = weak.lock();
        if (!self) return;
        self->core.end_sync(outcome, steady_now(), wall_now());
        self->settle();
      });
    });
  }

  void arm() {
    const auto next = core.next_deadline();
    if (next == never || next >= armed_for) return;
    armed_for = next;
    timer.expires_at(next);
    timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->armed_for = never;
      self->core.on_time(steady_now(), wall_now());
      self->settle();
    });
  }

  void stop(time_point deadline, std::function<void()> done) {
    if (!core.is_drained() && steady_now() < deadline) {
      stop_timer.expires_after(stop_poll);
      stop_timer.async_wait([self = shared_from_this(), deadline, d = std::move(done)](std::error_code ec) mutable {
        self->stop(ec ? time_point{} : deadline, std::move(d));
      });
      return;
    }
    running = false;
    core.say_goodbye();
    settle();
    close_all();
    asio::post(executor, std::move(done));
  }

  void close_all() {
    running = false;
    timer.cancel();
    for (const auto& at : lines) {
      at->dialer.cancel();
      at->retry.cancel();
      if (at->finder) at->finder->cancel();
      if (at->transport) at->transport->close_after_flush();
    }
  }

  asio::any_io_executor executor;
  relay_driver_options options;
  bridge::relay core;
  driver_timer timer;
  driver_timer stop_timer;
  time_point armed_for = never;
  time_point last_read{};
  unsigned quick_reads = 0;
  std::vector<std::unique_ptr<line>> lines;
  bool running = false;
  std::unique_ptr<asio::thread_pool> syncer;  // last: joins before the rest goes
};

relay_driver::relay_driver(asio::any_io_executor executor, rule_set rules, relay_options relay,
                           relay_driver_options options)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(rules), std::move(relay), std::move(options))) {}

relay_driver::~relay_driver() { impl_->close_all(); }

void relay_driver::start() {
  if (std::exchange(impl_->running, true)) return;
  impl_->settle();
}

void relay_driver::stop(std::chrono::milliseconds limit, std::function<void()> done) {
  impl_->core.drain();
  impl_->stop(steady_now() + limit, std::move(done));
}

void relay_driver::change_rules(rule_set fresh) {
  impl_->core.change_rules(std::move(fresh), steady_now(), wall_now());
  impl_->settle();
}

const bridge::relay& relay_driver::relay() const noexcept { return impl_->core; }

bool relay_driver::is_ready() const noexcept {
  return std::ranges::all_of(roles, [this](link r) { return impl_->core.is_up(r); });
}

}  // namespace msgkit::bridge
