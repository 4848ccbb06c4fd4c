#include "msgkit/goip/net/server.hpp"

#include <asio/post.hpp>
#include <random>
#include <unordered_map>

#include "datagram_socket.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::goip {
namespace {

constexpr std::uint64_t async_bit = 1ull << 63;
constexpr std::size_t rounds_max = 4;  // batches of one socket before others get a turn

std::uint64_t make_seed(std::uint64_t wanted) {
  if (wanted != 0) return wanted;
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

std::function<bool(const endpoint&)> only_from(ip_ranges ranges) {
  return [ranges = std::move(ranges)](const endpoint& e) { return ranges.contains(asio::ip::address_v6(e.address)); };
}

struct server::impl {
  impl(asio::any_io_executor e, server_options o, std::shared_ptr<server_handler> h)
      : executor(std::move(e)),
        options(std::move(o)),
        handler(std::move(h)),
        session(options.session, make_seed(options.seed)),
        timer(executor),
        drain_timer(executor) {}

  void wait(const std::shared_ptr<server>& self, std::size_t index) {
    sockets[index]->async_wait([weak = std::weak_ptr(self), index](std::error_code ec) {
      const auto s = weak.lock();
      if (ec || !s || s->impl_->stopped) return;
      s->impl_->read(s, index);
      if (!s->impl_->stopped) s->impl_->wait(s, index);
    });
  }
  void read(const std::shared_ptr<server>& self, std::size_t index) {
    const auto now = driver_clock::now();
    for (std::size_t round = 0; round < rounds_max; ++round) {
      const auto batch = sockets[index]->receive();
      for (const auto& d : batch) session.feed(d.from, d.octets, now, d.truncated);
      settle(self);
      if (stopped || batch.size() < datagram_socket::batch_max) break;
    }
  }

  // Hands out what there is, sends what is said in return, sets the timer.
  void settle(const std::shared_ptr<server>& self) {
    if (settling || stopped) return;
    settling = true;
    bool any = false;
    while (auto e = session.next_event()) {
      any = true;
      hand_out(self, *std::move(e));
      if (stopped) break;
    }
    if (any && handler && !stopped) handler->on_batch_end(*self);
    settling = false;
    if (stopped) return;
    flush();
    arm(self);
    finish_drain();
  }
  void hand_out(const std::shared_ptr<server>& self, event e) {
    if (auto* sms = std::get_if<sms_done>(&e); sms != nullptr && finish(waiting_sms, *sms, sms->reason)) return;
    if (auto* ussd = std::get_if<ussd_done>(&e); ussd != nullptr && finish(waiting_ussd, *ussd, ussd->error)) return;
    auto* done = std::get_if<command_done>(&e);
    if (done != nullptr && finish(waiting_commands, *done, done->error)) return;
    if (handler) return handler->on_event(*self, std::move(e));
    std::visit(
        [this](const auto& each) {
          if constexpr (requires { each.token; }) session.abandon(each.token);
        },
        e);
  }
  template <class Waiting, class Done>
  bool finish(Waiting& waiting, Done& done, std::error_code error) {
    if ((done.cookie & async_bit) == 0) return false;
    const auto found = waiting.find(done.cookie);
    if (found == waiting.end()) return true;
    const auto completion = std::move(found->second);
    waiting.erase(found);
    completion->complete(error, std::move(done));
    return true;
  }
  void flush() {
    auto output = session.output();
    while (!output.empty()) {
      std::size_t count = 1;
      while (count < output.size() && output[count].to.socket == output[0].to.socket) ++count;
      if (output[0].to.socket < sockets.size()) errors += sockets[output[0].to.socket]->send(output.first(count));
      output = output.subspan(count);
    }
    session.clear_output();
  }
  void arm(const std::shared_ptr<server>& self) {
    const auto at = session.next_deadline();
    if (at == armed_at) return;
    armed_at = at;
    if (at == never) {
      timer.cancel();
      return;
    }
    timer.expires_at(at);
    timer.async_wait([weak = std::weak_ptr(self)](std::error_code ec) {
      const auto s = weak.lock();
      if (ec || !s || s->impl_->stopped) return;
      s->impl_->armed_at = never;
      s->impl_->session.on_time(driver_clock::now());
      s->impl_->settle(s);
    });
  }
  // Something was asked of the session outside a batch.
  void touched(server& self) {
    if (settling || scheduled || stopped) return;
    scheduled = true;
    asio::post(executor, [weak = self.weak_from_this()] {
      const auto s = weak.lock();
      if (!s) return;
      s->impl_->scheduled = false;
      s->impl_->settle(s);
    });
  }
  void finish_drain() {
    if (!drained || !session.is_idle()) return;
    drain_timer.cancel();
    asio::post(executor, std::exchange(drained, nullptr));
  }
  template <class Waiting, class Completion, class Begin>
  void begin(server& self, Waiting& waiting, Completion done, Begin do_begin) {
    const auto cookie = async_bit | ++last_cookie;
    const result<void> begun = stopped ? result<void>(errc::draining) : do_begin(cookie);
    if (begun) {
      waiting.emplace(cookie, std::move(done));
      return touched(self);
    }
    asio::post(executor, [d = std::shared_ptr(std::move(done)), ec = begun.error().code] { d->complete(ec, {}); });
  }

  asio::any_io_executor executor;
  server_options options;
  std::shared_ptr<server_handler> handler;
  goip::session session;
  std::vector<std::unique_ptr<datagram_socket>> sockets;
  driver_timer timer;
  time_point armed_at = never;
  driver_timer drain_timer;
  std::function<void()> drained;
  std::unordered_map<std::uint64_t, std::unique_ptr<sms_completion>> waiting_sms;
  std::unordered_map<std::uint64_t, std::unique_ptr<ussd_completion>> waiting_ussd;
  std::unordered_map<std::uint64_t, std::unique_ptr<command_completion>> waiting_commands;
  std::uint64_t last_cookie = 0;
  std::uint64_t errors = 0;
  bool settling = false;
  bool scheduled = false;
  bool stopped = false;
};

server::server(asio::any_io_executor executor, server_options options, std::shared_ptr<server_handler> handler)
    : impl_(std::make_unique<impl>(std::move(executor), std::move(options), std::move(handler))) {}
server::~server() = default;

std::shared_ptr<server> server::make(asio::any_io_executor executor, server_options options,
                                     std::shared_ptr<server_handler> handler) {
  return std::shared_ptr<server>(new server(std::move(executor), std::move(options), std::move(handler)));
}

std::error_code server::listen() {
  auto& i = *impl_;
  for (std::size_t n = 0; n < i.options.listen.size(); ++n) {
    auto& socket = *i.sockets.emplace_back(
        std::make_unique<datagram_socket>(i.executor, static_cast<std::uint16_t>(n)));
    const auto& at = i.options.listen[n];
    if (const auto ec = socket.open(at.host, at.port, i.options.receive_buffer_bytes)) {
      i.sockets.clear();
      return ec;
    }
  }
  for (std::size_t n = 0; n < i.sockets.size(); ++n) i.wait(shared_from_this(), n);
  return {};
}

std::uint16_t server::port(std::size_t index) const noexcept {
  return index < impl_->sockets.size() ? impl_->sockets[index]->port() : std::uint16_t{0};
}

result<line_key> server::add_line(line_options o) { return impl_->session.add_line(std::move(o)); }

result<void> server::update_line(line_key line, line_options o) {
  auto done = impl_->session.update_line(line, std::move(o));
  impl_->touched(*this);
  return done;
}
result<void> server::remove_line(line_key line) {
  auto done = impl_->session.remove_line(line);
  impl_->touched(*this);
  return done;
}
bool server::acknowledge(const ack_token& token) {
  const bool done = impl_->session.acknowledge(token);
  impl_->touched(*this);
  return done;
}
bool server::refuse(const ack_token& token, std::string_view words) {
  const bool done = impl_->session.refuse(token, words);
  impl_->touched(*this);
  return done;
}
bool server::abandon(const ack_token& token) { return impl_->session.abandon(token); }

result<void> server::send_sms(line_key line, std::string_view destination, std::string_view text, std::uint64_t cookie) {
  auto done = impl_->session.send_sms(line, destination, text, cookie, driver_clock::now());
  impl_->touched(*this);
  return done;
}
result<void> server::send_ussd(line_key line, std::string_view code, ussd_options o) {
  auto done = impl_->session.send_ussd(line, code, driver_clock::now(), o);
  impl_->touched(*this);
  return done;
}
result<void> server::exit_ussd(line_key line, std::uint64_t cookie) {
  auto done = impl_->session.exit_ussd(line, driver_clock::now(), cookie);
  impl_->touched(*this);
  return done;
}
result<void> server::send_command(line_key line, command what, std::span<const std::string_view> arguments,
                                  std::uint64_t cookie) {
  auto done = impl_->session.send_command(line, what, arguments, cookie, driver_clock::now());
  impl_->touched(*this);
  return done;
}
bool server::cancel_sms(line_key line, std::uint64_t cookie) {
  const bool done = impl_->session.cancel_sms(line, cookie);
  impl_->touched(*this);
  return done;
}

void server::begin_sms(line_key line, const std::string& to, const std::string& text,
                       std::unique_ptr<sms_completion> done) {
  impl_->begin(*this, impl_->waiting_sms, std::move(done), [&](std::uint64_t cookie) {
    return impl_->session.send_sms(line, to, text, cookie, driver_clock::now());
  });
}
void server::begin_ussd(line_key line, const std::string& code, bool is_choice, std::unique_ptr<ussd_completion> done) {
  impl_->begin(*this, impl_->waiting_ussd, std::move(done), [&](std::uint64_t cookie) {
    return impl_->session.send_ussd(line, code, driver_clock::now(), {.is_choice = is_choice, .cookie = cookie});
  });
}
void server::begin_command(line_key line, command what, const std::vector<std::string>& arguments,
                           std::unique_ptr<command_completion> done) {
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  impl_->begin(*this, impl_->waiting_commands, std::move(done), [&](std::uint64_t cookie) {
    return impl_->session.send_command(line, what, views, cookie, driver_clock::now());
  });
}

void server::drain(std::chrono::milliseconds limit, std::function<void()> done) {
  auto& i = *impl_;
  i.drained = std::move(done);
  i.session.drain(driver_clock::now());
  i.drain_timer.expires_after(limit);
  i.drain_timer.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto s = weak.lock();
    if (ec || !s || !s->impl_->drained) return;
    std::exchange(s->impl_->drained, nullptr)();
  });
  i.touched(*this);
}

void server::stop() {
  auto& i = *impl_;
  if (std::exchange(i.stopped, true)) return;
  i.timer.cancel();
  i.drain_timer.cancel();
  for (auto& socket : i.sockets) socket->close();
  const auto end_all = [&i](auto& waiting) {
    for (auto& [cookie, done] : std::exchange(waiting, {}))
      asio::post(i.executor, [d = std::shared_ptr(std::move(done))] {
        d->complete(make_error_code(errc::canceled), {});
      });
  };
  end_all(i.waiting_sms);
  end_all(i.waiting_ussd);
  end_all(i.waiting_commands);
}

const session& server::session() const noexcept { return impl_->session; }
asio::any_io_executor server::executor() const { return impl_->executor; }
std::uint64_t server::send_errors() const noexcept { return impl_->errors; }

}  // namespace msgkit::goip
