#include "msgkit/smpp/net/bind_registry.hpp"

#include "virtual_centre.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

struct BindRegistry : OverVirtualNetwork {
  BindRegistry() {
    far->decide_bind = [this](connection& c, const bind_request_view& b) {
      const auto status = registry.add(c, b.parameters.system_id, b.mode, limits);
      statuses.push_back(status);
      if (status == command_status::ok) (void)c.accept_bind("centre");
      else (void)c.refuse_bind(status);
    };
  }
  ~BindRegistry() override {
    for (const auto& c : clients) c->stop();
    loop.run_for(60s);
  }
  void bind(const std::string& name, bind_mode mode = bind_mode::transceiver) {
    auto o = dialing();
    o.system_id = name;
    o.mode = mode;
    o.reconnect = false;
    clients.push_back(client::make(loop.executor(), o));
    clients.back()->start();
    loop.run_for(100ms);
  }
  bind_limits limits;
  bind_registry registry;
  std::vector<command_status> statuses;
  std::vector<std::shared_ptr<client>> clients;
};

using statuses_of = std::vector<command_status>;
constexpr auto ok = command_status::ok;
constexpr auto refused = command_status::throttled;

}  // namespace

TEST_F(BindRegistry, LimitsTheBindsOfEachAccount) {
  limits = {.total_max = 2};
  for (const auto* name : {"one", "one", "one", "two"}) bind(name);
  EXPECT_EQ(statuses, (statuses_of{ok, ok, refused, ok}));
  EXPECT_EQ(registry.count("one"), 2u);
  EXPECT_EQ(registry.count("two"), 1u);
  EXPECT_EQ(registry.count("three"), 0u);
  EXPECT_EQ(registry.count(), 3u);
}

TEST_F(BindRegistry, LimitsEachKindOfBind) {
  limits = {.transmitters_max = 1, .receivers_max = 1, .transceivers_max = 0, .refusal = command_status::already_bound};
  for (const auto mode : {bind_mode::transmitter, bind_mode::transmitter, bind_mode::receiver, bind_mode::transceiver})
    bind("one", mode);
  EXPECT_EQ(statuses, (statuses_of{ok, command_status::already_bound, ok, command_status::already_bound}));
  EXPECT_EQ(registry.count_receiving("one"), 1u);
}

TEST_F(BindRegistry, RoomComesBackWhenABindEnds) {
  limits = {.total_max = 1};
  bind("one");
  auto kept = far->connections.at(0);
  EXPECT_EQ(registry.account_of(*kept), "one");
  clients[0]->stop();
  loop.run_for(1s);
  registry.remove(*kept);
  registry.remove(*kept);
  EXPECT_EQ(registry.count(), 0u);
  EXPECT_EQ(registry.account_of(*kept), "");
  bind("one");
  EXPECT_EQ(statuses, (statuses_of{ok, ok}));
}

TEST_F(BindRegistry, ChoosesReceivingBindsInTurns) {
  for (const auto mode : {bind_mode::transmitter, bind_mode::receiver, bind_mode::transceiver}) bind("one", mode);
  bind("two");
  const auto first = registry.choose("one");
  const auto second = registry.choose("one");
  ASSERT_TRUE(first && second);
  EXPECT_NE(first, second);
  EXPECT_EQ(registry.choose("one"), first);
  for (const auto& c : {first, second}) EXPECT_NE(c->session().state(), session_state::bound_tx);
  EXPECT_EQ(registry.choose("nobody"), nullptr);
}

TEST_F(BindRegistry, ChoosesTheBindWithMostOfItsWindowFree) {
  bind("one");
  bind("one");
  const auto busy = registry.choose("one");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(busy->request(deliver_sm{.short_message = "x"}));
  for (int i = 0; i < 3; ++i) EXPECT_NE(registry.choose("one"), busy);
}

TEST_F(BindRegistry, NoBindIsChosenWhenWindowsAreFullOrTheyLeave) {
  bind("one");
  const auto only = registry.choose("one");
  ASSERT_TRUE(only);
  while (only->request(deliver_sm{.short_message = "x"})) continue;
  EXPECT_EQ(registry.choose("one"), nullptr);
  loop.run_for(1s);
  ASSERT_TRUE(registry.choose("one"));
  only->unbind();
  EXPECT_EQ(registry.choose("one"), nullptr);
}

TEST_F(BindRegistry, VisitorsMayRemove) {
  bind("one");
  bind("one");
  bind("two");
  registry.for_each("one", [&](connection& c) { registry.remove(c); });
  EXPECT_EQ(registry.count("one"), 0u);
  std::string names;
  registry.for_each([&](connection& c, std::string_view name) {
    names += name;
    registry.remove(c);
  });
  EXPECT_EQ(names, "two");
  EXPECT_EQ(registry.count(), 0u);
}
