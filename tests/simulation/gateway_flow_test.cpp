// Server, engine and store together, one story at a time.
#include <gtest/gtest.h>

#include "connectors/smpp_server.hpp"
#include "msgkit/smpp/net/client.hpp"
#include "simulated_engine.hpp"
#include "support/virtual_network.hpp"

using namespace msgkit;
using namespace msgkit::simulation;
using namespace std::chrono_literals;
using smpp::command_status;

namespace {

struct esme final : smpp::client_handler {
  void on_request(smpp::client& c, const smpp::pdu& m) override {
    texts.emplace_back(std::get<smpp::deliver_sm>(m).short_message);
    (void)c.respond(m.head.sequence, smpp::deliver_sm_resp{});
  }
  void on_outcome(smpp::client&, const smpp::outcome& o) override {
    errors.push_back(o.error);
    if (!o.error) ids.emplace_back(std::get<smpp::submit_sm_resp>(*o.response).message_id);
  }
  std::vector<std::string> texts, ids;
  std::vector<std::error_code> errors;
};

// Nobody serves the carrier, so that messages wait in the engine.
class GatewayFlow : public ::testing::Test {
 protected:
  GatewayFlow() {
    engine::route out{.name = "out"};
    out.targets.push_back({"carrier:up1"});
    routes = std::make_shared<const engine::route_table>(std::vector{out});
    start();
  }
  void start() {
    work = std::make_unique<simulated_engine>(loop, random, log, conditions, engine::core_options{}, routes, *store, *store);
    ASSERT_TRUE(work->start());
    app::smpp_server_options o;
    o.accounts.push_back({.system_id = "alice", .password = "secret", .name = "alice"});
    using answer = app::credential_answer;
    const auto check = [](const std::string&, const std::string&, const std::function<void(answer)>& done) {
      done(answer::good);
    };
    server = std::make_unique<app::smpp_server>(loop.executor(), *work, o, check,
                                                std::make_shared<app::smpp_server_observer>());
    network.listen("gateway", [this](std::shared_ptr<stream> s) { server->adopt(std::move(s)); });
  }
  void crash() {
    work->die();
    network.kill("gateway");
    loop.settle();
    server.reset();
    work.reset();
    store = std::make_unique<engine::memory_store>(store->after_crash());
  }
  std::shared_ptr<smpp::client> bind(smpp::bind_mode mode, const std::shared_ptr<esme>& handler) {
    smpp::client_options o;
    o.dial = [this](connector::handler done) { network.dial("esme", "gateway", std::move(done)); };
    o.system_id = "alice";
    o.mode = mode;
    o.reconnect = false;
    clients.push_back(smpp::client::make(loop.executor(), o, handler));
    clients.back()->start();
    EXPECT_TRUE(loop.run_until([&] { return clients.back()->is_bound(); }, 5s));
    return clients.back();
  }
  void submit(smpp::client& c, std::string_view validity = {}) {
    ASSERT_TRUE(c.request(smpp::submit_sm{.destination_addr = "46700000001",
                                          .validity_period = validity,
                                          .registered_delivery = smpp::registered::final_receipt,
                                          .short_message = "hello"}));
    loop.run_for(1s);
  }
  void TearDown() override {
    for (const auto& c : clients) c->stop();
    server->stop([] {});
    loop.run_for(20s);
    server.reset();
    loop.settle();
  }

  test::virtual_loop loop;
  test::random_source random{1};
  journal log{loop, 1, false};
  test::virtual_network network{loop, random};
  engine_conditions conditions{.commit_min = 1ms, .commit_max = 1ms};
  std::shared_ptr<const engine::route_table> routes;
  std::unique_ptr<engine::memory_store> store = std::make_unique<engine::memory_store>();
  std::unique_ptr<simulated_engine> work;
  std::unique_ptr<app::smpp_server> server;
  std::vector<std::shared_ptr<smpp::client>> clients;
  std::shared_ptr<esme> tx = std::make_shared<esme>(), rx = std::make_shared<esme>();
};

}  // namespace

TEST_F(GatewayFlow, AStoreThatFailsMeansASystemErrorAndNoMessage) {
  const auto c = bind(smpp::bind_mode::transmitter, tx);
  conditions.commit_failure_share = 1;
  submit(*c);
  conditions.commit_failure_share = 0;
  ASSERT_EQ(tx->errors.size(), 1u);
  EXPECT_EQ(tx->errors[0], command_status::system_error);
  loop.run_for(1min);
  EXPECT_EQ(store->size(), 0u);
  submit(*c);
  ASSERT_EQ(tx->ids.size(), 1u);
  EXPECT_EQ(store->size(), 1u);
}

TEST_F(GatewayFlow, AnAcknowledgedMessageSurvivesACrash) {
  submit(*bind(smpp::bind_mode::transmitter, tx));
  ASSERT_EQ(tx->ids.size(), 1u);
  crash();
  start();
  const auto found = store->find(*engine::message_id::parse(tx->ids[0]));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->progress.state, engine::message_state::queued);
}

TEST_F(GatewayFlow, AReceiptWaitsForAClientThatBindsLater) {
  submit(*bind(smpp::bind_mode::transmitter, tx), "000000000100000R");
  loop.run_for(10min);  // it expires, for nobody serves the carrier
  EXPECT_TRUE(tx->texts.empty());
  crash();
  start();
  loop.run_for(1h);
  bind(smpp::bind_mode::receiver, rx);
  loop.run_for(1s);
  ASSERT_EQ(rx->texts.size(), 1u);
  EXPECT_NE(rx->texts[0].find("stat:EXPIRED"), std::string::npos) << rx->texts[0];
  EXPECT_NE(rx->texts[0].find(tx->ids.at(0)), std::string::npos) << rx->texts[0];
  loop.run_for(1h);
  EXPECT_EQ(rx->texts.size(), 1u);
  EXPECT_EQ(work->state().active(), 0u);
}

TEST_F(GatewayFlow, AFullInboxThrottles) {
  const auto c = bind(smpp::bind_mode::transmitter, tx);
  conditions.inbox_max = 0;
  submit(*c);
  ASSERT_EQ(tx->errors.size(), 1u);
  EXPECT_EQ(tx->errors[0], command_status::throttled);
}
