#include "net/sentinel_finder.hpp"

#include <array>
#include <charconv>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::bridge {

struct sentinel_finder::impl : std::enable_shared_from_this<impl> {
  // Belongs to one connection: a late call of an old one finds another generation.
  struct receiver final : stream_handler {
    receiver(std::weak_ptr<impl> o, std::uint64_t g) : owner(std::move(o)), generation(g) {}
    void on_bytes(bytes_view octets) override {
      if (const auto o = owner.lock(); o && o->generation == generation) o->received(octets);
    }
    void on_closed(std::error_code reason) override {
      if (const auto o = owner.lock(); o && o->generation == generation) o->ask_next(reason);
    }
    std::weak_ptr<impl> owner;
    std::uint64_t generation;
  };

  impl(asio::any_io_executor e, std::vector<connect_options> s, std::string m, redis::session_options o)
      : sentinels(std::move(s)), master(std::move(m)), options(std::move(o)), session(options), dialer(e), timer(e) {}

  void find(handler h) {
    cancel();
    done = std::move(h);
    tried = 0;
    ask();
  }

  void cancel() {
    ++generation;
    done = nullptr;
    dialer.cancel();
    timer.cancel();
    if (transport) std::exchange(transport, nullptr)->close({});
  }

  void ask() {
    const auto mine = ++generation;
    session = redis::session(options);
    dialer.connect(sentinels[at],
                   [weak = weak_from_this(), mine](std::error_code ec, const std::shared_ptr<stream>& s) {
                     const auto self = weak.lock();
                     if (!self || self->generation != mine) {
                       if (s) s->close({});
                     } else if (ec) {
                       self->ask_next(ec);
                     } else {
                       self->transport = s;
                       s->start(std::make_shared<receiver>(weak, mine));
                       self->session.connected(driver_clock::now());
                       self->settle();
                     }
                   });
  }

  // The one that answered last is asked first the next time.
  void ask_next(std::error_code why) {
    if (transport) std::exchange(transport, nullptr)->close({});
    at = (at + 1) % sentinels.size();
    if (++tried < sentinels.size()) return ask();
    finish(why, {}, 0);
  }

  void finish(std::error_code ec, const std::string& host, std::uint16_t port) {
    const auto h = std::move(done);
    cancel();
    if (h) h(ec, host, port);
  }

  void received(bytes_view octets) {
    session.feed(octets, driver_clock::now());
    settle();
  }

  void settle() {
    while (const auto e = session.next_event()) {
      if (e->kind == redis::event_kind::ready) {
        const std::array<std::string_view, 3> question{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master};
        (void)session.command(question, 1, driver_clock::now());
      } else if (e->kind == redis::event_kind::closed) {
        return ask_next(e->error);
      } else if (e->kind == redis::event_kind::reply && !e->error) {
        const auto host = e->reply.child(0).text();
        const auto port_text = e->reply.child(1).text();
        std::uint16_t port = 0;
        const auto [end, ec] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
        const bool good = ec == std::errc{} && !host.empty() && port != 0;
        return good ? finish({}, std::string(host), port) : ask_next(make_error_code(errc::master_unknown));
      }
    }
    if (!session.output().empty()) {
      transport->write(session.output());
      session.clear_output();
      transport->flush();
    }
    timer.expires_at(session.next_deadline());
    timer.async_wait([weak = weak_from_this(), mine = generation](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self || self->generation != mine) return;
      self->session.on_time(driver_clock::now());
      self->settle();
    });
  }

  std::vector<connect_options> sentinels;
  std::string master;
  redis::session_options options;
  redis::session session;
  connector dialer;
  driver_timer timer;
  std::shared_ptr<stream> transport;
  handler done;
  std::uint64_t generation = 0;
  std::size_t at = 0;
  std::size_t tried = 0;
};

sentinel_finder::sentinel_finder(asio::any_io_executor executor, std::vector<connect_options> sentinels,
                                 std::string master, redis::session_options session)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(sentinels), std::move(master), std::move(session))) {}

sentinel_finder::~sentinel_finder() { impl_->cancel(); }

void sentinel_finder::find(handler done) { impl_->find(std::move(done)); }

void sentinel_finder::cancel() { impl_->cancel(); }

}  // namespace msgkit::bridge
