// A GoIP SMS server: prints what devices report, acknowledges it, and answers each SMS with its own text.
//   goip_server PORT ID PASSWORD        PORT 0: any free one
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/goip/net/server.hpp"
#include "msgkit/goip/text.hpp"

namespace goip = msgkit::goip;

// Called for each kind of event; those without an overload are of no interest here.
struct printer final : goip::server_handler {
  void on_event(goip::server& server, goip::event e) override {
    std::visit([&](const auto& each) { on(server, each); }, e);
    std::fflush(stdout);
  }
  void on(goip::server& server, const goip::line_changed& e) {
    const auto& status = *server.session().status(e.line);
    std::printf("line is %s at %s\n", to_string(e.now).data(), to_string(status.endpoint).c_str());
  }
  void on(goip::server& server, const goip::sms_received& e) {
    const auto text = goip::clean_text(e.text);
    std::printf("from %s: %s\n", e.source.c_str(), text.c_str());
    server.acknowledge(e.token);  // a real one stores it first
    if (const auto sent = server.send_sms(e.line, e.source, text, 1); !sent)
      std::printf("no answer: %s\n", sent.error().code.message().c_str());
  }
  void on(goip::server&, const goip::sms_done& e) { std::printf("answer is %s\n", to_string(e.outcome).data()); }
  void on(goip::server& server, const goip::report_received& e) {
    std::printf("report: %s\n", e.state == goip::delivery_state::delivered ? "delivered" : "not delivered");
    server.acknowledge(e.token);
  }
  template <class Event>
  void on(goip::server& server, const Event& e) {
    if constexpr (requires { e.token; }) server.acknowledge(e.token);
  }
};

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: goip_server PORT ID PASSWORD\n");
    return 2;
  }
  asio::io_context io;
  goip::server_options options;
  options.listen = {{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(std::atoi(argv[1]))}};
  const auto server = goip::server::make(io.get_executor(), options, std::make_shared<printer>());
  if (const auto line = server->add_line({.id = argv[2], .password = argv[3]}); !line) {
    std::fprintf(stderr, "%s: %s\n", line.error().field.data(), line.error().code.message().c_str());
    return 2;
  }
  if (const auto error = server->listen()) {
    std::fprintf(stderr, "listen: %s\n", error.message().c_str());
    return 1;
  }
  std::printf("listening on port %u\n", server->port());
  std::fflush(stdout);
  io.run();
}
