// An SMPP server (message centre side): accepts, limits, authenticates, and hands sessions to the application.
//
//   struct my_smsc : smpp::server_handler { ... on_bind, on_request ... };
//   smpp::server server(io.get_executor(), options, std::make_shared<my_smsc>());
//   if (auto ec = server.listen()) ...
//
// Thread-safety: none; use it from its executor. With `place` sessions live on other contexts, one thread each, and
// the handler is then called from all of them.
#pragma once

#include <functional>
#include <memory>

#include "msgkit/core/net/acceptor.hpp"
#include "msgkit/smpp/net/connection.hpp"
#include "msgkit/smpp/net/pdu_trace.hpp"

namespace msgkit::smpp {

struct server_options {
  acceptor_options accept{.listen_port = 2775};
  connection_options connection{.session = {.role = role::mc}};
  std::shared_ptr<pdu_trace> trace{};  // every session is added to it; null: none
};

class server_handler : public connection_handler {
 public:
  // A TCP connection is there, nobody has bound yet.
  virtual void on_connected(connection&) {}
  virtual void on_refused(refusal, const peer_address&) {}
};

// The parameters of whichever bind the variant holds, under one type; bind_mode says which it was.
struct bind_request_view {
  bind_mode mode{};
  bind_transceiver parameters{};
};
// Precondition: `p` holds a bind_transmitter, bind_receiver or bind_transceiver.
bind_request_view view_bind(const pdu& p) noexcept;

class server {
 public:
  server(asio::any_io_executor executor, server_options options, std::shared_ptr<server_handler> handler,
         std::function<asio::any_io_executor()> place = {});
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Errors: what the system says, e.g. address in use.
  std::error_code listen();
  // Serves a stream that came some other way: an inherited socket, a tunnel, a simulation. The acceptor's limits do not
  // count it. On the stream's executor.
  void adopt(std::shared_ptr<stream> transport);
  // Stops accepting. Sessions go on; unbind them through their connections.
  void stop();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connection_count() const noexcept;

 private:
  std::function<void(std::shared_ptr<stream>)> on_stream_;
  acceptor acceptor_;
};

}  // namespace msgkit::smpp
