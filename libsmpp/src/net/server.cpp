#include "msgkit/smpp/net/server.hpp"

namespace msgkit::smpp {

bind_request_view view_bind(const pdu& p) noexcept {
  bind_request_view view{.mode = static_cast<bind_mode>(static_cast<std::uint32_t>(p.head.id))};
  std::visit(
      [&view](const auto& m) {
        if constexpr (requires { m.address_range; }) {
          view.parameters = {.system_id = m.system_id,
                             .password = m.password,
                             .system_type = m.system_type,
                             .interface_version = m.interface_version,
                             .addr_ton = m.addr_ton,
                             .addr_npi = m.addr_npi,
                             .address_range = m.address_range};
        }
      },
      static_cast<const pdu_variant&>(p));
  return view;
}

namespace {

std::function<void(std::shared_ptr<stream>)> make_on_stream(const std::shared_ptr<server_handler>& handler,
                                                            connection_options options,
                                                            const std::shared_ptr<pdu_trace>& trace) {
  options.session.role = role::mc;
  return [handler, options, trace](std::shared_ptr<stream> transport) {
    const auto made = connection::start(std::move(transport), options, handler);
    if (trace) trace->add(*made);
    handler->on_connected(*made);
  };
}

}  // namespace

server::server(asio::any_io_executor executor, server_options options, std::shared_ptr<server_handler> handler,
               std::function<asio::any_io_executor()> place)
    : on_stream_(make_on_stream(handler, options.connection, options.trace)),
      acceptor_(std::move(executor), std::move(options.accept),
                {.on_stream = on_stream_,
                 .on_refused = [handler](refusal why, const peer_address& peer) { handler->on_refused(why, peer); },
                 .place = std::move(place)}) {}

server::~server() { stop(); }
std::error_code server::listen() { return acceptor_.listen(); }
void server::adopt(std::shared_ptr<stream> transport) { on_stream_(std::move(transport)); }
void server::stop() { acceptor_.stop(); }
std::uint16_t server::port() const noexcept { return acceptor_.port(); }
std::size_t server::connection_count() const noexcept { return acceptor_.connection_count(); }

}  // namespace msgkit::smpp
