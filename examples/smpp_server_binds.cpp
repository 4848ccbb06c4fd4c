// A message centre with several binds per account and a limit on them; what anybody submits goes to the account named in
// its destination address, over whichever of its binds has most room. SIGUSR1 shows the PDUs of all sessions, SIGUSR2 ends
// that.
//   smpp_server_binds PORT      (0: any free port, printed)
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/smpp/net/bind_registry.hpp"
#include "msgkit/smpp/net/server.hpp"

namespace smpp = msgkit::smpp;
using smpp::command_status;

struct exchange final : smpp::server_handler {
  explicit exchange(std::shared_ptr<smpp::pdu_trace> t) : trace(std::move(t)) {}

  void on_bind(smpp::connection& c, const smpp::pdu& bind) override {
    const auto who = smpp::view_bind(bind);
    const auto status = binds.add(c, who.parameters.system_id, who.mode, {.total_max = 2});
    if (status != command_status::ok) return void(c.refuse_bind(status));
    trace->set_name(c, std::string(who.parameters.system_id));
    (void)c.accept_bind("exchange");
  }
  void on_request(smpp::connection& c, const smpp::pdu& m) override {
    const auto* submit = std::get_if<smpp::submit_sm>(&m);
    if (submit == nullptr) return void(c.reject(m.head.sequence, command_status::invalid_command_id));
    const auto to = binds.choose(submit->destination_addr);
    if (!to) return void(c.reject(m.head.sequence, command_status::invalid_destination_address));
    (void)c.respond(m.head.sequence, smpp::submit_sm_resp{.message_id = std::to_string(++count)});
    (void)to->request(smpp::deliver_sm{.source_addr = binds.account_of(c),
                                       .destination_addr = submit->destination_addr,
                                       .data_coding = submit->data_coding,
                                       .short_message = submit->short_message});
  }
  void on_outcome(smpp::connection&, const smpp::outcome&) override {}
  void on_closed(smpp::connection& c, std::error_code) override { binds.remove(c); }

  smpp::bind_registry binds;
  std::shared_ptr<smpp::pdu_trace> trace;
  std::uint64_t count = 0;
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  asio::io_context io;
  smpp::server_options options;
  if (argc > 1) options.accept.listen_port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  options.trace = smpp::pdu_trace::make([](const smpp::traced_pdu& p) { std::puts(smpp::trace_line(p).c_str()); });
  const auto handler = std::make_shared<exchange>(options.trace);
  smpp::server server(io.get_executor(), options, handler);
  if (const auto ec = server.listen()) {
    std::fprintf(stderr, "%s\n", ec.message().c_str());
    return 1;
  }
  asio::signal_set signals(io, SIGINT, SIGTERM), switches(io, SIGUSR1, SIGUSR2);
  std::function<void(std::error_code, int)> switched = [&](std::error_code ec, int signal) {
    if (ec) return;
    options.trace->trace_all(signal == SIGUSR1);
    switches.async_wait(switched);
  };
  switches.async_wait(switched);
  signals.async_wait([&](std::error_code, int) {
    server.stop();
    switches.cancel();
    handler->binds.for_each([](smpp::connection& c, std::string_view) { c.unbind(); });
  });
  std::printf("listening on port %u\n", unsigned{server.port()});
  io.run();
}
