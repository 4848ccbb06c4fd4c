#include "msgkit/core/net/acceptor.hpp"

#include <array>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "msgkit/core/net/proxy_protocol.hpp"

namespace msgkit {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds descriptor_pause{100};

// By value: Asio's category maps only some codes to the conditions of std::errc, and none of these.
bool is_descriptor_shortage(std::error_code ec) {
  const auto value = ec.value();
  return ec.category() == asio::error::get_system_category() &&
         (value == EMFILE || value == ENFILE || value == ENOBUFS || value == ENOMEM);
}

peer_address address_of(const tcp::socket& socket) {
  std::error_code ec;
  const auto endpoint = socket.remote_endpoint(ec);
  if (ec) return {};
  return {endpoint.address().to_string(), endpoint.port()};
}

// Counts open connections in total and per address. Connections hold tokens, which may be destroyed on any thread.
class connection_counter : public std::enable_shared_from_this<connection_counter> {
 public:
  [[nodiscard]] std::size_t total() const noexcept { return total_.load(std::memory_order_relaxed); }
  std::size_t of(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? 0 : found->second;
  }
  std::shared_ptr<void> enter() {
    ++total_;
    return {nullptr, [self = shared_from_this()](void*) { --self->total_; }};
  }
  // Keeps `entered`, the token of enter(), as long as the new one lives.
  std::shared_ptr<void> enter_from(const std::string& address, std::shared_ptr<void> entered) {
    {
      const std::lock_guard lock(mutex_);
      ++by_address_[address];
    }
    return {nullptr, [self = shared_from_this(), address, kept = std::move(entered)](void*) { self->leave(address); }};
  }

 private:
  void leave(const std::string& address) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_address_.find(address); --found->second == 0) by_address_.erase(found);
  }
  std::atomic<std::size_t> total_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> by_address_;
};

}  // namespace

struct acceptor::impl : std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, acceptor_options o, callbacks c)
      : executor(std::move(e)), options(std::move(o)), calls(std::move(c)), socket(executor), pause(executor) {}

  std::error_code listen() {
    std::error_code ec;
    const auto address = asio::ip::make_address(options.listen_host, ec);
    if (ec) return ec;
    const tcp::endpoint endpoint(address, options.listen_port);
    socket.open(endpoint.protocol(), ec);
    if (ec) return ec;
    socket.set_option(tcp::acceptor::reuse_address(true), ec);
    socket.bind(endpoint, ec);
    if (!ec) socket.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
      std::error_code ignored;
      socket.close(ignored);
      return ec;
    }
    bound_port = socket.local_endpoint(ec).port();
    accept();
    return ec;
  }

  void accept() {
    auto place = calls.place ? calls.place() : executor;
    socket.async_accept(place, [self = shared_from_this(), place](std::error_code ec, tcp::socket peer) {
      self->accepted(ec, std::move(peer), place);
    });
  }

  void accepted(std::error_code ec, tcp::socket peer, const asio::any_io_executor& place) {
    if (!socket.is_open()) return;
    if (is_descriptor_shortage(ec)) {
      refuse(refusal::out_of_descriptors, {});
      pause.expires_after(descriptor_pause);
      pause.async_wait([self = shared_from_this()](std::error_code e) {
        if (!e && self->socket.is_open()) self->accept();
      });
      return;
    }
    if (!ec) admit(std::move(peer), place);
    accept();
  }

  void admit(tcp::socket peer, const asio::any_io_executor& place) {
    auto address = address_of(peer);
    if (counter->total() >= options.connections_max) return refuse(refusal::connections_max, address);
    // Behind a balancer all connections come from its address; the real one is counted once it is known.
    if (!options.proxy_protocol) return hand_over(std::move(peer), std::move(address), place, counter->enter());
    auto pending =
        std::make_shared<proxied>(shared_from_this(), std::move(peer), std::move(address), place, counter->enter());
    asio::dispatch(place, [pending] { pending->start(); });
  }

  void hand_over(tcp::socket peer, peer_address address, const asio::any_io_executor& place,
                 std::shared_ptr<void> entered) {
    if (counter->of(address.address) >= options.connections_per_address_max)
      return refuse(refusal::connections_per_address_max, address);
    auto token = counter->enter_from(address.address, std::move(entered));
    auto made = options.tls ? stream::make_tls(std::move(peer), std::move(address), options.tls, tls_role::server)
                            : stream::make_plain(std::move(peer), std::move(address));
    made->attach(std::move(token));
    asio::dispatch(place, [self = shared_from_this(), made = std::move(made)] { self->calls.on_stream(made); });
  }

  void refuse(refusal why, const peer_address& address) {
    if (calls.on_refused) calls.on_refused(why, address);
  }

  // A connection whose PROXY header has not arrived yet. Peeks, so that exactly the header is consumed.
  struct proxied : std::enable_shared_from_this<proxied> {
    proxied(std::shared_ptr<impl> o, tcp::socket s, peer_address a, asio::any_io_executor p, std::shared_ptr<void> e)
        : owner(std::move(o)), socket(std::move(s)), address(std::move(a)), place(std::move(p)), entered(std::move(e)),
          timer(place) {}

    void start() {
      timer.expires_after(owner->options.proxy_header_timeout);
      timer.async_wait([self = shared_from_this()](std::error_code ec) {
        if (!ec) self->fail();
      });
      wait();
    }

    void wait() {
      socket.async_wait(tcp::socket::wait_read, [self = shared_from_this()](std::error_code ec) {
        if (ec) return self->fail();
        self->peek();
      });
    }

    void peek() {
      std::array<std::uint8_t, proxy_header_bytes_max> head;
      std::error_code ec;
      const auto count = socket.receive(asio::buffer(head), tcp::socket::message_peek, ec);
      if (ec || count == peeked) return fail();  // closed, or a header that came in pieces and stopped
      peeked = count;
      const auto header = parse_proxy_header(bytes_view{head.data(), count});
      if (!header) return fail();
      if (!*header) return retry();
      socket.receive(asio::buffer(head.data(), (*header)->length), 0, ec);
      timer.cancel();
      if ((*header)->source) address = *(*header)->source;
      owner->hand_over(std::move(socket), std::move(address), place, std::move(entered));
    }

    // Level-triggered readiness would spin on the octets already peeked at; give the rest a moment to arrive.
    void retry() {
      auto again = std::make_shared<asio::steady_timer>(place, std::chrono::milliseconds(5));
      again->async_wait([self = shared_from_this(), again](std::error_code) {
        if (!self->socket.is_open()) return;
        self->peeked = 0;
        self->peek();
      });
    }

    void fail() {
      if (!socket.is_open()) return;
      timer.cancel();
      std::error_code ignored;
      socket.close(ignored);
      entered.reset();
      owner->refuse(refusal::proxy_header, address);
    }

    std::shared_ptr<impl> owner;
    tcp::socket socket;
    peer_address address;
    asio::any_io_executor place;
    std::shared_ptr<void> entered;
    asio::steady_timer timer;
    std::size_t peeked = 0;
  };

  asio::any_io_executor executor;
  acceptor_options options;
  callbacks calls;
  tcp::acceptor socket;
  asio::steady_timer pause;
  std::shared_ptr<connection_counter> counter = std::make_shared<connection_counter>();
  std::uint16_t bound_port = 0;
};

acceptor::acceptor(asio::any_io_executor executor, acceptor_options options, callbacks calls)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options), std::move(calls))) {}

acceptor::~acceptor() { stop(); }

// In the system's own category, so that callers can compare with std::errc.
std::error_code acceptor::listen() {
  const auto ec = impl_->listen();
  return ec.category() == asio::error::get_system_category() ? std::error_code(ec.value(), std::system_category()) : ec;
}

void acceptor::stop() {
  std::error_code ignored;
  impl_->socket.close(ignored);
  impl_->pause.cancel();
}

std::uint16_t acceptor::port() const noexcept { return impl_->bound_port; }

std::size_t acceptor::connection_count() const noexcept { return impl_->counter->total(); }

}  // namespace msgkit
