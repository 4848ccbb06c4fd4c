// The component under test of test_xmpp_interop.py: echoes texts, offers commands and registration, says what it sees
// as one JSON object a line, and pushes one more message to a user for each SIGUSR1.
//   xmpp_component HOST PORT DOMAIN SECRET SERVER USER
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "msgkit/xmppcomp/net/component.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"
#include "msgkit/xmppcomp/xep/namespaces.hpp"
#include "msgkit/xmppcomp/xep/presence.hpp"
#include "msgkit/xmppcomp/xep/responder.hpp"

using namespace msgkit::xmppcomp;
using json = nlohmann::json;

namespace {

void say(json event) { std::printf("%s\n", event.dump(-1, ' ', false, json::error_handler_t::replace).c_str()); }

struct lines final : gateway_directory {
  std::vector<disco_item> items(const jid&) override { return {{"+4711111111@sms.localhost", "", "Line 1"}}; }
  std::vector<command_info> commands(const jid&) override {
    return {{"status", "Status of the lines"}, {"ussd", "USSD"}};
  }
  msgkit::result<command_reply> run(const command_call& call) override {
    if (call.request.node == "status") return command_reply{.note = "all lines are up"};
    if (call.request.form && !call.request.form->value("code").empty())
      return command_reply{.note = "sent " + std::string(call.request.form->value("code"))};
    return command_reply{
        .status = command_status::executing,
        .actions = {command_action::complete},
        .form = data_form{.title = "USSD", .fields = {{.var = "code", .type = "text-single", .label = "Code"}}}};
  }
  msgkit::result<data_form> registration_form(const jid&) override {
    return data_form{.instructions = "Your number",
                     .fields = {{.var = "phone", .type = "text-single", .label = "Number"}}};
  }
  msgkit::result<void> submit_registration(const jid& user, const data_form& form) override {
    say({{"event", "registered"}, {"user", user.bare().to_string()}, {"phone", form.value("phone")}});
    return {};
  }
};

struct handler final : component_handler {
  explicit handler(const char* domain) : answers({.domain = domain, .name = "Test gateway"}, directory) {}

  void on_open(component& c) override {
    say({{"event", "open"}});
    auto iq = make_iq("get", c.options().session.domain, c.current()->options().server);
    iq.add("ping", ns::ping);
    c.async_request(std::move(iq), [](std::error_code ec, const element&) {
      say({{"event", "pong"}, {"error", ec ? ec.message() : ""}});
    });
  }
  void on_closed(component& c, std::error_code reason, std::chrono::milliseconds retry_in) override {
    say({{"event", "closed"},
         {"reason", reason.message()},
         {"retry_ms", retry_in.count()},
         {"queued", c.outbox().size()}});
  }
  void on_stanza(component& c, const element& stanza) override {
    if (const auto answer = answers.answer(stanza, msgkit::driver_clock::now())) return void(c.send(*answer));
    if (kind_of(stanza) == stanza_kind::presence) {
      say({{"event", "presence"}, {"type", stanza.get("type")}, {"from", stanza.get("from")}});
      for (const auto& each : answer_presence(stanza, {.show = "away", .status = "no network"})) (void)c.send(each);
    } else if (kind_of(stanza) == stanza_kind::message) {
      on_message(c, stanza);
    }
  }
  void on_message(component& c, const element& message) {
    const auto content = classify(message);
    if (const auto id = receipt_id(message)) return say({{"event", "receipt"}, {"id", *id}});
    if (content == message_content::error)
      return say({{"event", "bounce"},
                  {"id", message.get("id")},
                  {"condition", to_string(parse_stanza_error(message)->condition)}});
    say({{"event", "message"}, {"content", static_cast<int>(content)}, {"from", message.get("from")},
         {"to", message.get("to")}, {"body", body_of(message)}});
    if (content != message_content::text) return;
    if (body_of(message) == "refuse me")
      return void(c.send(make_error(message, {stanza_condition::recipient_unavailable, "the line is down"})));
    if (wants_receipt(message)) (void)c.send(make_receipt(message));
    push(c, message.get("to"), message.get("from"), "echo: " + std::string(body_of(message)), "echo");
  }
  void push(component& c, std::string_view from, std::string_view to, std::string_view body, const std::string& kind) {
    auto m = make_message(from, to, body, "chat", kind + "-" + std::to_string(++count));
    request_receipt(m);
    if (const auto pushed = c.push(m, count); !pushed)
      say({{"event", "refused"}, {"error", pushed.error().code.message()}});
  }
  void on_outcome(component&, const outbox_outcome& o) override {
    say({{"event", "outcome"}, {"cookie", o.cookie}, {"error", o.error ? o.error.message() : ""}});
  }

  lines directory;
  responder answers;
  std::uint64_t count = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return std::fputs("usage: xmpp_component HOST PORT DOMAIN SECRET SERVER USER\n", stderr), 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  asio::io_context io;
  component_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.session.domain = argv[3];
  options.session.secret = argv[4];
  options.session.server = argv[5];
  options.reconnect_backoff = {.initial = std::chrono::milliseconds(200), .maximum = std::chrono::seconds(1)};
  const std::string user = argv[6];
  const auto seen = std::make_shared<handler>(argv[3]);
  const auto c = component::make(io.get_executor(), options, seen);
  c->start();
  asio::signal_set ends(io, SIGINT, SIGTERM), nudges(io, SIGUSR1);
  std::function<void(std::error_code, int)> nudged = [&](std::error_code ec, int) {
    if (ec) return;
    seen->push(*c, "+4712345678@" + options.session.domain, user, "queued " + std::to_string(seen->count + 1),
               "queued");
    nudges.async_wait(nudged);
  };
  nudges.async_wait(nudged);
  ends.async_wait([&](std::error_code, int) {
    nudges.cancel();
    c->stop();
  });
  io.run();
}
