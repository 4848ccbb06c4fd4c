// A component that sends every text back to its author, with a receipt, and answers service discovery.
//   xmpp_echo_component HOST PORT DOMAIN SECRET
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/xmppcomp/net/component.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"
#include "msgkit/xmppcomp/xep/presence.hpp"
#include "msgkit/xmppcomp/xep/responder.hpp"

namespace xmpp = msgkit::xmppcomp;

struct echo final : xmpp::component_handler {
  explicit echo(const std::string& domain) : answers({.domain = domain, .name = "Echo"}, contacts) {}

  void on_open(xmpp::component&) override { std::puts("connected"); }
  void on_closed(xmpp::component&, std::error_code reason, std::chrono::milliseconds retry_in) override {
    std::printf("closed: %s; next attempt in %lld ms\n", reason.message().c_str(),
                static_cast<long long>(retry_in.count()));
  }
  void on_stanza(xmpp::component& c, const xmpp::element& stanza) override {
    switch (xmpp::kind_of(stanza)) {
      case xmpp::stanza_kind::iq:
        if (const auto answer = answers.answer(stanza, std::chrono::steady_clock::now())) (void)c.send(*answer);
        return;
      case xmpp::stanza_kind::presence:
        for (const auto& answer : xmpp::answer_presence(stanza, {.status = "I repeat"})) (void)c.send(answer);
        return;
      case xmpp::stanza_kind::message: return on_message(c, stanza);
      case xmpp::stanza_kind::other: return;
    }
  }
  void on_message(xmpp::component& c, const xmpp::element& message) {
    // Typing notices, receipts, copies, corrections and errors are no texts and get no answer.
    if (xmpp::classify(message) != xmpp::message_content::text) return;
    if (xmpp::wants_receipt(message)) (void)c.send(xmpp::make_receipt(message));
    const auto id = "echo-" + std::to_string(++count);
    const auto back = xmpp::make_message(message.get("to"), message.get("from"), xmpp::body_of(message), "chat", id);
    // Kept until the server has read it, whatever happens to the connection.
    if (const auto pushed = c.push(back, count); !pushed)
      (void)c.send(xmpp::make_error(message, xmpp::stanza_condition::resource_constraint));
  }
  void on_outcome(xmpp::component&, const xmpp::outbox_outcome& o) override {
    std::printf("echo-%llu: %s\n", static_cast<unsigned long long>(o.cookie),
                o.error ? o.error.message().c_str() : "the server has it");
  }

  xmpp::gateway_directory contacts;
  xmpp::responder answers;
  std::uint64_t count = 0;
};

int main(int argc, char** argv) {
  if (argc != 5) return std::fputs("usage: xmpp_echo_component HOST PORT DOMAIN SECRET\n", stderr), 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  asio::io_context io;
  xmpp::component_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.session.domain = argv[3];
  options.session.secret = argv[4];
  const auto component = xmpp::component::make(io.get_executor(), options, std::make_shared<echo>(argv[3]));
  component->start();
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](std::error_code, int) { component->stop(); });
  io.run();
}
