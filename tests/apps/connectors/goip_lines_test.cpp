// Lines as carriers, between a scripted engine and fake devices over loopback.
#include "connectors/goip_lines.hpp"

#include "connector_fixture.hpp"
#include "connectors/plain_text.hpp"
#include "libgoip/net/udp_device.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace std::chrono_literals;
using app::test::make_send;
using app::test::scripted_engine;
using engine::attempt_outcome;
using goip_fake::udp_device;

namespace {

struct recorder final : goip_lines_observer {
  void on_line(const std::string& id, goip::line_state, goip::line_state now) override { states[id] = now; }
  void on_inbound(const std::string&, bool stored) override { ++(stored ? kept : left); }
  void on_stray_report(const std::string&) override { ++strays; }
  void on_ussd(const std::string&, const std::string& text) override { ussd = text; }
  void on_call(const std::string&, const goip::call_event&) override { ++calls; }
  std::map<std::string, goip::line_state> states;
  int kept = 0, left = 0, strays = 0, calls = 0;
  std::string ussd;
};

class GoipLines : public ::testing::Test {
 protected:
  ~GoipLines() override {
    lines.reset();
    io.restart();
    io.poll();
  }
  goip_fake::line_options fast(std::string id = "g1") {
    return {.id = std::move(id), .password = "pw", .repeat_interval = 100ms, .sending_time = 0ms};
  }
  void serve(std::vector<goip_line> with) {
    goip_lines_options o;
    o.server.listen = {{.host = "127.0.0.1", .port = 0}};
    o.lines = std::move(with);
    lines = std::make_unique<goip_lines>(io.get_executor(), engine, o, seen);
    const auto started = lines->start();
    ASSERT_TRUE(started) << started.error().code.message();
  }
  // One line that is registered, with its link up.
  void connect(std::function<void(goip_line&)> change = {},
               std::optional<std::chrono::milliseconds> report_after = {}) {
    goip_line l{.line = {.id = "g1", .password = "pw", .pacing = 0ms}, .carrier = "gsm"};
    if (change) change(l);
    serve({l});
    auto o = fast();
    o.report_after = report_after;
    device = std::make_unique<udp_device>(io, "127.0.0.1", lines->port(), o);
    ASSERT_TRUE(run_until([&] { return !engine.events.empty(); }));
    const auto up = engine.only<engine::link_state>();
    EXPECT_TRUE(up.up);
    EXPECT_EQ(up.endpoint, "carrier:gsm");
    EXPECT_EQ(up.capacity, 1u);
    link = up.link;
  }
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.restart();
      io.run_for(5ms);
      if (device) device->pump();
    }
    return true;
  }
  template <class Event>
  Event wait_for() {
    Event found{};
    EXPECT_TRUE(run_until([&] {
      const auto all = engine.take<Event>();
      if (!all.empty()) found = all.front();
      return !all.empty();
    }));
    return found;
  }
  engine::attempt_result send(std::string text, std::function<void(engine::message_content&)> change = {}) {
    auto s = make_send(link, std::move(text));
    if (change) {
      auto c = std::make_shared<engine::message_content>(*s.content);
      change(*c);
      s.content = c;
    }
    engine.act(std::move(s));
    return wait_for<engine::attempt_result>();
  }

  asio::io_context io;
  scripted_engine engine;
  std::shared_ptr<recorder> seen = std::make_shared<recorder>();
  std::unique_ptr<goip_lines> lines;
  std::unique_ptr<udp_device> device;
  std::uint64_t link = 0;
};

TEST_F(GoipLines, AMessageGoesOutAndItsReportComesBack) {
  connect({}, 10ms);
  const auto r = send("hello", [](auto& c) { c.receipt_wanted = engine::receipt_on_success; });
  EXPECT_EQ(r.outcome, attempt_outcome::sent);
  ASSERT_EQ(r.segments.size(), 1u);
  EXPECT_TRUE(r.segments[0].receipt_expected);
  EXPECT_EQ(r.segments[0].carrier_id, "g1-1");  // the line and the device's number
  ASSERT_EQ(device->line.sent().size(), 1u);
  EXPECT_EQ(device->line.sent()[0].destination, "+46700000001");
  EXPECT_EQ(device->line.sent()[0].text, "hello");

  const auto report = wait_for<engine::report>();
  EXPECT_EQ(report.carrier_id, r.segments[0].carrier_id);
  EXPECT_EQ(report.endpoint, "carrier:gsm");
  EXPECT_EQ(report.state, engine::message_state::delivered);
  EXPECT_EQ(device->line.unacknowledged(), 1u);  // not before the engine has it
  engine.act(engine::report_done{report.token});
  EXPECT_TRUE(run_until([&] { return device->line.unacknowledged() == 0; }));
}

TEST_F(GoipLines, ALineComesChangesAndGoesWhileOthersServe) {
  connect();
  const goip_line first{.line = {.id = "g1", .password = "pw", .pacing = 0ms}, .carrier = "gsm"};
  ASSERT_TRUE(lines->set_lines({first, {.line = {.id = "g2", .password = "pw2"}}}));
  EXPECT_TRUE(engine.take<engine::link_state>().empty());
  udp_device second(io, "127.0.0.1", lines->port(), {.id = "g2", .password = "pw2"});
  engine::link_state up;
  ASSERT_TRUE(run_until([&] {
    second.pump();
    const auto all = engine.take<engine::link_state>();
    if (!all.empty()) up = all.front();
    return !all.empty();
  }));
  EXPECT_EQ(up.endpoint, "carrier:g2");
  ASSERT_TRUE(lines->set_lines({first}));
  const auto gone = engine.only<engine::link_state>();
  EXPECT_EQ(gone.link, up.link);
  EXPECT_EQ(gone.capacity, 0u);
  ASSERT_TRUE(lines->set_lines({first, {.line = {.id = "g2", .password = "pw2"}}}));  // and back
  EXPECT_EQ(engine.only<engine::link_state>().capacity, 1u);
  const auto impossible = lines->set_lines({first, {.line = {.id = "g;3"}}});
  ASSERT_FALSE(impossible);
  EXPECT_EQ(impossible.error().offset, 1u);
}

TEST_F(GoipLines, AnSmsIsAcknowledgedWhenTheEngineHasStoredIt) {
  connect();
  device->line.deliver_sms("+3725551234", "Привет; мир", driver_clock::now());
  const auto s = wait_for<engine::submit>();
  EXPECT_EQ(s.content->account, "carrier:gsm");
  EXPECT_EQ(s.content->source, (engine::address{1, 1, "3725551234"}));
  EXPECT_EQ(s.content->destination.value, "37250001");  // what the device says its number is
  EXPECT_EQ(to_plain_text(*s.content)->text, "Привет; мир");
  EXPECT_EQ(device->line.unacknowledged(), 1u);
  engine.act(engine::accepted{s.token, engine::message_id{5}});
  EXPECT_TRUE(run_until([&] { return device->line.unacknowledged() == 0; }));
  EXPECT_EQ(seen->kept, 1);
}

TEST_F(GoipLines, WhatTheEngineCannotStoreIsSaidAgainAndStoredThen) {
  connect();
  device->line.deliver_sms("Bank", "code 4711", driver_clock::now());
  const auto first = wait_for<engine::submit>();
  engine.act(engine::refused{first.token, engine::refusal::store_unavailable});
  const auto again = wait_for<engine::submit>();
  EXPECT_EQ(to_plain_text(*again.content)->text, "code 4711");
  EXPECT_EQ(again.content->source, (engine::address{5, 0, "Bank"}));
  engine.act(engine::accepted{again.token, engine::message_id{5}});
  EXPECT_TRUE(run_until([&] { return device->line.unacknowledged() == 0; }));
  EXPECT_EQ(seen->left, 1);
}

TEST_F(GoipLines, AFullEngineLeavesTheSmsInTheDevice) {
  connect();
  engine.is_full = true;
  device->line.deliver_sms("+1", "x", driver_clock::now());
  ASSERT_TRUE(run_until([&] { return seen->left > 0; }));
  engine.is_full = false;
  EXPECT_EQ(to_plain_text(*wait_for<engine::submit>().content)->text, "x");
}

TEST_F(GoipLines, FailuresKeepTheirClass) {
  connect();
  device->line.next_fate.error_status = 38;
  auto r = send("x");
  EXPECT_EQ(r.outcome, attempt_outcome::temporary);
  EXPECT_EQ(r.code, 38u);
  device->line.next_fate.error_status = 28;
  r = send("x");
  EXPECT_EQ(r.outcome, attempt_outcome::permanent);
  EXPECT_EQ(r.text, "1 errorstatus:28");
}

TEST_F(GoipLines, WhatALineCannotSendIsPermanent) {
  connect();
  EXPECT_EQ(send("x", [](auto& c) { c.coding = 4; }).outcome, attempt_outcome::permanent);  // binary
  EXPECT_EQ(send("x", [](auto& c) { c.destination.value = "nobody"; }).outcome, attempt_outcome::permanent);
  EXPECT_EQ(send(std::string(4000, 'x')).outcome, attempt_outcome::permanent);
  EXPECT_TRUE(device->line.sent().empty());
}

TEST_F(GoipLines, ALineOffTheNetworkIsPausedAndGivesBackWhatWaits) {
  connect([](goip_line& l) { l.line.pacing = 1h; });
  EXPECT_EQ(send("first").outcome, attempt_outcome::sent);
  engine.act(make_send(link, "second"));  // waits for the pace
  const auto& session = lines->server().session();
  ASSERT_TRUE(run_until([&] { return session.pending_sms(*session.find_line("g1")) == 1; }));
  device->line.set_gsm(false, driver_clock::now());
  const auto paused = wait_for<engine::link_state>();
  EXPECT_TRUE(paused.up);
  EXPECT_EQ(paused.capacity, 0u);
  EXPECT_EQ(wait_for<engine::attempt_result>().outcome, attempt_outcome::not_sent);
  EXPECT_EQ(seen->states["g1"], goip::line_state::no_gsm);
  device->line.set_gsm(true, driver_clock::now());
  EXPECT_EQ(wait_for<engine::link_state>().capacity, 1u);
}

TEST_F(GoipLines, AReportOfAnUnknownSmsIsAcknowledgedAndCounted) {
  connect();
  device->line.deliver_report(77, 0, "+1", driver_clock::now());
  // It may be about an SMS from before a restart: the engine knows.
  const auto report = wait_for<engine::report>();
  EXPECT_EQ(report.carrier_id, "g1-77");
  engine.act(engine::report_done{report.token, engine::report_outcome::unmatched});
  EXPECT_TRUE(run_until([&] { return seen->strays == 1 && device->line.unacknowledged() == 0; }));
}

TEST_F(GoipLines, WithoutAReportToComeSentMayCountAsDelivered) {
  connect([](goip_line& l) { l.reports = false; });
  EXPECT_EQ(send("x").outcome, attempt_outcome::sent);
  ASSERT_TRUE(lines->set_lines({{.line = {.id = "g1", .password = "pw", .pacing = 0ms},
                                 .carrier = "gsm",
                                 .reports = false,
                                 .sent_is_delivered = true}}));
  EXPECT_EQ(send("x").outcome, attempt_outcome::delivered);
  ASSERT_TRUE(lines->set_lines(
      {{.line = {.id = "g1", .password = "pw", .pacing = 0ms}, .carrier = "gsm", .sent_is_delivered = true}}));
  EXPECT_EQ(send("x").outcome, attempt_outcome::sent);  // its report will come
}

TEST_F(GoipLines, ARepetitionHasTheNameOfTheFirst) {
  connect();
  device->line.deliver_sms("+1", "x", driver_clock::now());
  const auto first = wait_for<engine::submit>();
  engine.act(engine::refused{first.token, engine::refusal::store_unavailable});
  const auto again = wait_for<engine::submit>();
  EXPECT_EQ(again.extras->duplicate_id, first.extras->duplicate_id);
  engine.act(engine::accepted{again.token, engine::message_id{5}, false});
  EXPECT_TRUE(run_until([&] { return device->line.unacknowledged() == 0; }));
  device->line.deliver_sms("+1", "x", driver_clock::now());  // another one with the same words
  EXPECT_NE(wait_for<engine::submit>().extras->duplicate_id, first.extras->duplicate_id);
}

TEST_F(GoipLines, AnSmsIsAcknowledgedWhenEveryCopyIsStored) {
  connect([](goip_line& l) { l.copies = {"second", "third"}; });
  const auto copies = [&] {
    std::vector<engine::submit> all;
    EXPECT_TRUE(run_until([&] {
      for (auto& s : engine.take<engine::submit>()) all.push_back(std::move(s));
      return all.size() >= 3;
    }));
    return all;
  };
  device->line.deliver_sms("+1", "x", driver_clock::now());
  auto all = copies();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].content->account, "carrier:gsm");
  EXPECT_EQ(all[2].content->account, "third");
  engine.act(engine::accepted{all[0].token, engine::message_id{1}},
             engine::accepted{all[1].token, engine::message_id{2}},
             engine::refused{all[2].token, engine::refusal::queue_full});
  all = copies();  // the device has said it again
  ASSERT_EQ(all.size(), 3u);
  engine.act(engine::accepted{all[0].token, engine::message_id{1}, false},
             engine::accepted{all[1].token, engine::message_id{2}, false});
  EXPECT_EQ(device->line.unacknowledged(), 1u);
  engine.act(engine::refused{all[2].token, engine::refusal::no_route});  // for good: the others have it
  EXPECT_TRUE(run_until([&] { return device->line.unacknowledged() == 0; }));
  EXPECT_EQ(seen->kept, 1);
  EXPECT_EQ(seen->left, 1);
}

TEST_F(GoipLines, UssdAndCallsGoToTheObserver) {
  connect();
  device->line.push_ussd("balance 5; 00", driver_clock::now());
  device->line.call(true, "+1", driver_clock::now());
  EXPECT_TRUE(run_until([&] { return device->line.unacknowledged() == 0; }));
  EXPECT_EQ(seen->ussd, "balance 5; 00");
  EXPECT_EQ(seen->calls, 3);
}

TEST_F(GoipLines, AMessageForALineThatIsGoneWasNotSent) {
  connect();
  engine.act(make_send(link + 1, "x"));
  EXPECT_EQ(wait_for<engine::attempt_result>().outcome, attempt_outcome::not_sent);
}

TEST_F(GoipLines, StopTakesTheLinksDown) {
  connect();
  bool stopped = false;
  lines->stop(5s, [&] { stopped = true; });
  ASSERT_TRUE(run_until([&] { return stopped; }));
  EXPECT_FALSE(wait_for<engine::link_state>().up);
  engine.act(make_send(link, "x"));
  EXPECT_EQ(wait_for<engine::attempt_result>().outcome, attempt_outcome::not_sent);
}

TEST_F(GoipLines, AnImpossibleLineIsNamed) {
  goip_lines_options o;
  o.lines = {{.line = {.id = "g1"}}, {.line = {.id = "g2", .password = "a b"}}};
  lines = std::make_unique<goip_lines>(io.get_executor(), engine, o, seen);
  const auto started = lines->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().field, "password");
  EXPECT_EQ(started.error().offset, 1u);
}

}  // namespace
