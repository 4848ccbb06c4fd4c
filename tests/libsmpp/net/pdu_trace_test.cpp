#include "msgkit/smpp/net/pdu_trace.hpp"

#include "msgkit/core/hex.hpp"
#include "virtual_centre.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

struct PduTrace : OverVirtualNetwork {
  PduTrace() {
    server_options o;
    o.trace = trace;
    mc.emplace(loop.executor(), o, far);
    far->decide_bind = [this](connection& c, const bind_request_view& b) {
      trace->set_name(c, std::string(b.parameters.system_id));
      (void)c.accept_bind("centre");
    };
  }
  ~PduTrace() override {
    for (const auto& c : clients) c->stop();
    loop.run_for(60s);
  }
  client& bind(const std::string& name) {
    auto o = dialing();
    o.system_id = name;
    o.password = "geheim";
    clients.push_back(client::make(loop.executor(), o));
    clients.back()->start();
    loop.run_for(100ms);
    return *clients.back();
  }
  std::size_t lines_of_one_message(client& c) {
    const auto before = lines.size();
    EXPECT_TRUE(c.request(message("x")));
    loop.run_for(100ms);
    return lines.size() - before;
  }
  std::vector<std::string> lines;
  std::shared_ptr<pdu_trace> trace = pdu_trace::make([this](const traced_pdu& p) { lines.push_back(trace_line(p)); });
  std::vector<std::shared_ptr<client>> clients;
};

}  // namespace

TEST_F(PduTrace, IsOffUntilSomebodySwitchesItOn) {
  auto& c = bind("one");
  EXPECT_EQ(lines_of_one_message(c), 0u);
  EXPECT_EQ(trace->traced(), 0u);
}

TEST_F(PduTrace, ShowsAllSessionsInBothDirectionsAndStopsAgain) {
  auto& one = bind("one");
  trace->trace_all(true);
  auto& two = bind("two");
  EXPECT_EQ(lines.size(), 2u) << "a bind and its answer";
  EXPECT_EQ(lines_of_one_message(one), 2u);
  EXPECT_EQ(lines_of_one_message(two), 2u);
  EXPECT_EQ(trace->traced(), 2u);
  const auto id = std::to_string(far->connections.at(1)->id());
  EXPECT_TRUE(lines.back().starts_with("-> " + id + " esme:1 two submit_sm_resp sequence 2 000000128000000400000000000000027800"))
      << lines.back();
  trace->trace_all(false);
  loop.settle();
  EXPECT_EQ(lines_of_one_message(one), 0u);
}

TEST_F(PduTrace, ShowsOneSession) {
  auto& one = bind("one");
  auto& two = bind("two");
  const auto id = far->connections.at(1)->id();
  EXPECT_TRUE(trace->trace_session(id, true));
  loop.settle();
  EXPECT_EQ(lines_of_one_message(one), 0u);
  EXPECT_EQ(lines_of_one_message(two), 2u);
  EXPECT_TRUE(trace->trace_session(id, false));
  loop.settle();
  EXPECT_EQ(lines_of_one_message(two), 0u);
  clients[1]->stop();
  loop.run_for(10s);
  EXPECT_FALSE(trace->trace_session(id, true)) << "it is gone";
}

TEST_F(PduTrace, ShowsTheSessionsOfANameAlsoThoseToCome) {
  auto& one = bind("one");
  trace->trace_name("two", true);
  auto& two = bind("two");
  loop.settle();
  EXPECT_EQ(lines_of_one_message(one), 0u);
  EXPECT_EQ(lines_of_one_message(two), 2u);
  trace->trace_name("two", false);
  loop.settle();
  EXPECT_EQ(lines_of_one_message(two), 0u);
}

TEST_F(PduTrace, PasswordsAreNotShown) {
  trace->trace_all(true);
  bind("one");
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines[0].find(to_hex(as_bytes("******"))), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0].find(to_hex(as_bytes("geheim"))), std::string::npos);
}

TEST_F(PduTrace, FollowsAClientOverItsReconnects) {
  mc.emplace(loop.executor(), server_options{}, far);
  far->decide_bind = {};
  trace->trace_name("esme", true);
  auto o = dialing();
  o.trace = trace;
  clients.push_back(client::make(loop.executor(), o));
  clients.back()->start();
  loop.run_for(1s);
  EXPECT_EQ(lines.size(), 2u);
  network.reset(network.lines_of("esme").front());
  loop.run_for(10s);
  EXPECT_EQ(lines.size(), 4u);
}

TEST_F(PduTrace, MayEndBeforeItsSessions) {
  auto& c = bind("one");
  trace->trace_all(true);
  mc.emplace(loop.executor(), server_options{}, far);
  trace.reset();
  loop.settle();
  EXPECT_EQ(lines_of_one_message(c), 0u);
}
