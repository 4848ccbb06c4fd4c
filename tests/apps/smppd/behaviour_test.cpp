#include "smppd/behaviour.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using smpp::command_status;

behaviours make(std::vector<behaviour> rules, std::uint64_t seed = 1) {
  return {std::move(rules), scripted_end{}, seed};
}
behaviour refuse(std::string destination, command_status status) {
  return {.destination = std::move(destination), .answer = scripted_answer{.status = status}};
}

TEST(Behaviours, WithoutRulesEverythingIsTakenAndDelivered) {
  const auto b = make({});
  EXPECT_EQ(b.answer("u", "1", "2", 0).status, command_status::ok);
  EXPECT_EQ(b.end("u", "1", "2", 0).state, engine::message_state::delivered);
}

TEST(Behaviours, TheFirstRuleThatMatchesDecides) {
  const auto b = make({refuse("4670", command_status::throttled), refuse("46", command_status::system_error)});
  EXPECT_EQ(b.answer("u", "1", "46701", 0).status, command_status::throttled);
  EXPECT_EQ(b.answer("u", "1", "46", 0).status, command_status::system_error);
  EXPECT_EQ(b.answer("u", "1", "47", 0).status, command_status::ok);
}

TEST(Behaviours, AnswersAndEndsAreDecidedApart) {
  const auto b = make({{.destination = "46", .end = scripted_end{.state = engine::message_state::expired}},
                       {.answer = scripted_answer{.delay = 5ms}}});
  EXPECT_EQ(b.answer("u", "1", "46", 0).delay, 5ms);
  EXPECT_EQ(b.end("u", "1", "46", 0).state, engine::message_state::expired);
  EXPECT_EQ(b.end("u", "1", "47", 0).state, engine::message_state::delivered);
}

TEST(Behaviours, MatchByUserSourceExactNumberAndPattern) {
  auto by_user = refuse("", command_status::throttled);
  by_user.user = "alice";
  auto by_source = refuse("", command_status::system_error);
  by_source.source = "99";
  auto exact = refuse("123", command_status::submit_failed);
  exact.exact = true;
  auto pattern = refuse("", command_status::invalid_destination_address);
  pattern.pattern = "7[0-9]{3}";
  const auto b = make({by_user, by_source, exact, pattern});
  EXPECT_EQ(b.answer("alice", "1", "2", 0).status, command_status::throttled);
  EXPECT_EQ(b.answer("bob", "991", "2", 0).status, command_status::system_error);
  EXPECT_EQ(b.answer("bob", "1", "123", 0).status, command_status::submit_failed);
  EXPECT_EQ(b.answer("bob", "1", "1234", 0).status, command_status::ok);
  EXPECT_EQ(b.answer("bob", "1", "7123", 0).status, command_status::invalid_destination_address);
  EXPECT_EQ(b.answer("bob", "1", "71234", 0).status, command_status::ok);
}

TEST(Behaviours, AShareIsAboutWhatItSaysAndRepeats) {
  auto some = refuse("", command_status::throttled);
  some.share = 0.25;
  const auto count = [&](std::uint64_t seed) {
    const auto b = make({some}, seed);
    int refused = 0;
    for (std::uint64_t n = 0; n < 10'000; ++n) refused += b.answer("u", "1", "2", n).status != command_status::ok;
    return refused;
  };
  EXPECT_NEAR(count(1), 2'500, 200);
  EXPECT_EQ(count(1), count(1));
  EXPECT_NE(count(1), count(2));
}

TEST(Behaviours, ABadPatternIsNamed) {
  behaviour bad{.pattern = "7(", .end = scripted_end{}};
  try {
    make({{.end = scripted_end{}}, bad});
    FAIL();
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string(e.what()).find("behaviours[1].pattern"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace msgkit::app
