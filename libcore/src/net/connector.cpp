#include "msgkit/core/net/connector.hpp"

#include <asio/connect.hpp>
#include <asio/steady_timer.hpp>

#include "msgkit/core/error.hpp"

namespace msgkit {

using asio::ip::tcp;

struct connector::impl : std::enable_shared_from_this<impl> {
  explicit impl(asio::any_io_executor e) : executor(std::move(e)), resolver(executor), socket(executor), timer(executor) {}

  void connect(const connect_options& o, handler d) {
    options = o;
    done = std::move(d);
    reason = {};
    timer.expires_after(options.timeout);
    timer.async_wait([self = shared_from_this()](std::error_code ec) {
      if (!ec) self->abort(make_error_code(errc::timed_out));
    });
    std::error_code not_numeric;
    const auto address = asio::ip::make_address(options.host, not_numeric);
    if (!not_numeric) {
      // No name to look up, so no detour through the resolver's thread.
      const tcp::endpoint endpoint(address, options.port);
      return attempt(tcp::resolver::results_type::create(endpoint, options.host, std::to_string(options.port)));
    }
    resolver.async_resolve(options.host, std::to_string(options.port),
                           [self = shared_from_this()](std::error_code ec, const tcp::resolver::results_type& found) {
                             if (ec || self->reason) return self->finish(ec);
                             self->attempt(found);
                           });
  }

  void attempt(const tcp::resolver::results_type& found) {
    asio::async_connect(socket, found, [self = shared_from_this()](std::error_code ec, const tcp::endpoint&) {
      self->finish(ec);
    });
  }

  void abort(std::error_code why) {
    if (!done || reason) return;
    reason = why;
    resolver.cancel();
    std::error_code ignored;
    socket.close(ignored);
  }

  void finish(std::error_code ec) {
    timer.cancel();
    auto call = std::exchange(done, nullptr);
    if (!call) return;
    if (reason) ec = reason;
    if (ec) {
      std::error_code ignored;
      socket.close(ignored);
      return call(ec, nullptr);
    }
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) return call(ec, nullptr);
    peer_address peer{endpoint.address().to_string(), endpoint.port()};
    auto connected = std::exchange(socket, tcp::socket(executor));
    call({}, options.tls ? stream::make_tls(std::move(connected), std::move(peer), options.tls, tls_role::client,
                                            options.host)
                         : stream::make_plain(std::move(connected), std::move(peer)));
  }

  asio::any_io_executor executor;
  tcp::resolver resolver;
  tcp::socket socket;
  asio::steady_timer timer;
  connect_options options;
  handler done;
  std::error_code reason;
};

connector::connector(asio::any_io_executor executor) : impl_(std::make_shared<impl>(std::move(executor))) {}
connector::~connector() { cancel(); }
void connector::connect(const connect_options& options, handler done) { impl_->connect(options, std::move(done)); }
void connector::cancel() { impl_->abort(make_error_code(errc::canceled)); }

}  // namespace msgkit
