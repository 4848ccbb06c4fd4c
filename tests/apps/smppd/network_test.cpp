#include "smppd/network.hpp"

#include "connector_fixture.hpp"

namespace msgkit::app::test {
namespace {

using state = engine::message_state;

class Network : public ConnectorTest {
 protected:
  void start(std::vector<behaviour> rules = {}) {
    network_under_test.emplace(
        loop.executor(), engine, std::make_shared<const behaviours>(std::move(rules), scripted_end{.delay = 1s}, 1),
        100, [this](const engine::message_content&, engine::message_id, state s) { ends.push_back(s); });
    network_under_test->start();
    loop.settle();
    link = engine.only<engine::link_state>();
  }
  void send() {
    engine.act(make_send(link.link, "hello"));
    loop.settle();
  }
  std::optional<simulated_network> network_under_test;
  engine::link_state link;
  std::vector<state> ends;
};

TEST_F(Network, DeliversAfterItsDelay) {
  start();
  EXPECT_EQ(link.endpoint, network_endpoint);
  EXPECT_EQ(link.capacity, 100u);
  send();
  loop.run_for(999ms);
  EXPECT_TRUE(engine.take<engine::attempt_result>().empty());
  loop.run_for(1ms);
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::delivered);
  EXPECT_EQ(ends, std::vector{state::delivered});
}

TEST_F(Network, FailsWithAReport) {
  start({{.end = scripted_end{.state = state::undelivered, .delay = 1s, .error = "042"}}});
  send();
  const auto taken = engine.only<engine::attempt_result>();
  EXPECT_EQ(taken.outcome, engine::attempt_outcome::sent);
  ASSERT_EQ(taken.segments.size(), 1u);
  EXPECT_TRUE(taken.segments[0].receipt_expected);
  loop.run_for(1s);
  const auto r = engine.only<engine::report>();
  EXPECT_EQ(r.carrier_id, taken.segments[0].carrier_id);
  EXPECT_EQ(r.state, state::undelivered);
  EXPECT_EQ(r.code, 42u);
  EXPECT_EQ(r.text, "042");
}

TEST_F(Network, RepeatsReportsAndAnnouncesThem) {
  start({{.end = scripted_end{.delay = 1s, .repeats = 2, .enroute_first = true}}});
  send();
  loop.run_for(500ms);
  EXPECT_TRUE(engine.only<engine::report>().intermediate);
  loop.run_for(1s);
  EXPECT_EQ(engine.take<engine::report>().size(), 3u);
}

TEST_F(Network, MayKeepSilent) {
  start({{.end = scripted_end{.no_report = true}}});
  send();
  EXPECT_FALSE(engine.only<engine::attempt_result>().segments.at(0).receipt_expected);
  loop.run_for(1h);
  EXPECT_TRUE(engine.take<engine::report>().empty());
}

TEST_F(Network, TriesAgainWhileTheEngineIsFull) {
  start({{.end = scripted_end{.state = state::expired, .delay = 1s}}});
  send();
  engine.is_full = true;
  loop.run_for(2s);
  EXPECT_TRUE(engine.take<engine::report>().empty());
  engine.is_full = false;
  loop.run_for(1s);
  EXPECT_EQ(engine.only<engine::report>().state, state::expired);
}

TEST_F(Network, GivesBackWhatItHasWhenItStops) {
  start();
  send();
  network_under_test->stop();
  loop.settle();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::not_sent);
  send();
  EXPECT_EQ(engine.only<engine::attempt_result>().outcome, engine::attempt_outcome::not_sent);
}

}  // namespace
}  // namespace msgkit::app::test
