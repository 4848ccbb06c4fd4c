// A server connector with clients of a real SMPP stack over the virtual network.
#pragma once

#include "connector_fixture.hpp"
#include "connectors/smpp_server.hpp"

namespace msgkit::app::test {

using smpp::command_status;

struct esme final : smpp::client_handler {
  void on_bound(smpp::client&) override { ++bound; }
  void on_unbound(smpp::client&, std::error_code why, std::chrono::milliseconds) override { refused = why; }
  void on_request(smpp::client& c, const smpp::pdu& m) override {
    const auto& d = std::get<smpp::deliver_sm>(m);
    texts.emplace_back(d.short_message);
    sequences.push_back(m.head.sequence);
    if (!answers) return;
    const auto status = statuses.empty() ? command_status::ok : statuses.front();
    if (!statuses.empty()) statuses.pop_front();
    if (status == command_status::ok) (void)c.respond(m.head.sequence, smpp::deliver_sm_resp{});
    else (void)c.reject(m.head.sequence, status);
  }
  void on_outcome(smpp::client&, const smpp::outcome& o) override {
    outcomes.push_back(o.error);
    const auto* r = o.response == nullptr ? nullptr : std::get_if<smpp::submit_sm_resp>(o.response);
    ids.emplace_back(r == nullptr ? "" : r->message_id);
    if (o.response != nullptr && on_response) on_response(*o.response);
  }
  std::function<void(const smpp::pdu&)> on_response;
  std::size_t bound = 0;
  std::error_code refused;
  bool answers = true;
  std::deque<command_status> statuses;  // of the next deliveries; then ok
  std::vector<std::string> texts, ids;
  std::vector<std::uint32_t> sequences;
  std::vector<std::error_code> outcomes;
};

class SmppServer : public ConnectorTest {
 protected:
  void serve(smpp_account account = {}, std::size_t window = 100) {
    account.system_id = "alice";
    account.password = "secret";
    account.name = "alice";
    options.server.connection.session.window_size = window;
    options.server.connection.session.response_timeout = 5s;
    options.accounts = {account};
    const auto check = [](const std::string& stored, const std::string& given,
                          const std::function<void(credential_answer)>& done) {
      done(stored == given ? credential_answer::good : credential_answer::bad);
    };
    server = std::make_unique<smpp_server>(loop.executor(), engine, options, check, std::make_shared<smpp_server_observer>());
    network.listen("gateway", [this](std::shared_ptr<stream> s) { server->adopt(std::move(s)); });
  }
  std::shared_ptr<smpp::client> dial(const std::shared_ptr<esme>& handler, std::string password = "secret",
                                     smpp::bind_mode mode = smpp::bind_mode::transceiver) {
    smpp::client_options o;
    o.dial = [this](connector::handler done) { network.dial("esme", "gateway", std::move(done)); };
    o.system_id = "alice";
    o.password = std::move(password);
    o.mode = mode;
    o.reconnect = false;
    clients.push_back(smpp::client::make(loop.executor(), o, handler));
    clients.back()->start();
    loop.run_for(100ms);
    return clients.back();
  }
  void bind() {
    c = dial(peer);
    ASSERT_EQ(peer->bound, 1u);
    link = engine.only<engine::link_state>().link;
  }
  void submit(smpp::submit_sm m = {.destination_addr = "46700000001", .short_message = "hello"}) {
    ASSERT_TRUE(c->request(m));
    loop.run_for(100ms);
  }
  void TearDown() override {
    for (const auto& each : clients) each->stop();
    if (server) server->stop([] {});
    loop.run_for(30s);
    server.reset();
    loop.settle();
  }

  smpp_server_options options;
  std::unique_ptr<smpp_server> server;
  std::vector<std::shared_ptr<smpp::client>> clients;
  std::shared_ptr<esme> peer = std::make_shared<esme>();
  std::shared_ptr<smpp::client> c;
  std::uint64_t link = 0;
};

}  // namespace msgkit::app::test
