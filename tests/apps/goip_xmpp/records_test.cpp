#include "goip_xmpp/records.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

using namespace msgkit;
using namespace msgkit::app;

namespace {

class Records : public ::testing::Test {
 protected:
  Records() : directory(std::filesystem::temp_directory_path() / ("msgkit_records_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(directory);
    opened = open();
  }
  ~Records() override {
    opened.reset();
    std::filesystem::remove_all(directory);
  }
  std::unique_ptr<records> open() {
    std::string problem;
    auto r = records::open((directory / "made" / "r.db").string(), problem);
    EXPECT_TRUE(r) << problem;
    return r;
  }
  static goip::call_event call(goip::call_phase phase, std::string remote, std::optional<bool> inbound = {}) {
    goip::call_event e;
    e.phase = phase;
    e.remote = std::move(remote);
    e.inbound = inbound;
    return e;
  }

  std::filesystem::path directory;
  std::unique_ptr<records> opened;
};

}  // namespace

TEST_F(Records, ALineIsAddedChangedAndRemoved) {
  stored_line l{.extension = "2001", .id = "a", .password = "p", .number = {}, .jid = "x@y", .allow = "^1"};
  EXPECT_TRUE(opened->put_line(l));
  l.password = "q";
  EXPECT_TRUE(opened->put_line(l));
  EXPECT_EQ(opened->lines(), std::vector{l});
  EXPECT_FALSE(opened->remove_line("2002"));
  EXPECT_TRUE(opened->remove_line("2001"));
  EXPECT_TRUE(opened->lines().empty());
}

TEST_F(Records, AnIdBelongsToOneLine) {
  EXPECT_TRUE(opened->put_line({.extension = "1", .id = "a"}));
  EXPECT_FALSE(opened->put_line({.extension = "2", .id = "a"}));
}

TEST_F(Records, AnotherConnectionsWritesAreSeen) {
  const auto before = opened->version();
  EXPECT_TRUE(opened->set_enabled("own", false));
  EXPECT_EQ(opened->version(), before);
  EXPECT_TRUE(open()->set_enabled("g1", false));
  EXPECT_NE(opened->version(), before);
  EXPECT_EQ(opened->switched_off(), (std::set<std::string>{"g1", "own"}));
  EXPECT_TRUE(opened->set_enabled("g1", true));
  EXPECT_EQ(opened->switched_off(), std::set<std::string>{"own"});
}

TEST_F(Records, ACallBeginsEndsAndIsMeasured) {
  EXPECT_TRUE(opened->add_call("g1", call(goip::call_phase::started, "+1", true), 100));
  EXPECT_TRUE(opened->add_call("g1", call(goip::call_phase::started, "+1", true), 101));  // said twice
  auto end = call(goip::call_phase::ended, "");
  end.cause = "Normal call clearing";
  EXPECT_TRUE(opened->add_call("g1", end, 160));
  auto length = call(goip::call_phase::measured, "");
  length.length = 55;
  EXPECT_TRUE(opened->add_call("g1", length, 161));
  EXPECT_TRUE(opened->add_call("g2", call(goip::call_phase::started, "+2"), 150));
  const auto calls = opened->calls("g1", 10);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].started, 100);
  EXPECT_EQ(calls[0].ended, 160);
  EXPECT_EQ(calls[0].remote, "+1");
  EXPECT_EQ(calls[0].cause, "Normal call clearing");
  EXPECT_EQ(calls[0].inbound, true);
  EXPECT_EQ(calls[0].length, 55);
}

TEST_F(Records, AnEndWithoutABeginningIsACall) {
  EXPECT_TRUE(opened->add_call("g1", call(goip::call_phase::ended, "+1"), 160));
  ASSERT_EQ(opened->calls("g1", 10).size(), 1u);
  EXPECT_EQ(opened->calls("g1", 10)[0].started, 0);
  EXPECT_FALSE(opened->calls("g1", 10)[0].inbound);
}

TEST_F(Records, TheLatestCallsComeFirstAndOldOnesGo) {
  for (int i = 0; i < 5; ++i)
    opened->add_call("g1", call_record{.started = 1000 + i, .ended = 0, .remote = std::to_string(i)});
  const auto two = opened->calls("g1", 2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].remote, "4");
  EXPECT_TRUE(opened->purge_calls(1003));
  EXPECT_EQ(opened->calls("g1", 10).size(), 2u);
}

TEST_F(Records, AStateReplacesTheOneBefore) {
  EXPECT_TRUE(opened->put_state({.line = "g1", .state = "online", .signal = 12}));
  EXPECT_TRUE(opened->put_state({.line = "g1", .state = "dead"}));
  const auto all = opened->states();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].state, "dead");
  EXPECT_EQ(all[0].signal, -1);
}

TEST_F(Records, ACodeIsHandedOutOnceAndItsAnswerComesBack) {
  const auto id = opened->add_job("g1", "*100#");
  ASSERT_NE(id, 0u);
  std::string answer;
  EXPECT_EQ(opened->job(id, answer), job_state::waiting);
  const auto other = open();
  const auto jobs = other->take_jobs();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].code, "*100#");
  EXPECT_TRUE(other->take_jobs().empty());
  EXPECT_EQ(opened->job(id, answer), job_state::taken);
  EXPECT_TRUE(other->finish_job(id, false, "5 EUR"));
  EXPECT_EQ(opened->job(id, answer), job_state::answered);
  EXPECT_EQ(answer, "5 EUR");
  opened->drop_job(id);
  EXPECT_EQ(opened->job(id, answer), job_state::waiting);
}

TEST(RecordsFile, OneThatIsNoneIsNamed) {
  std::string problem;
  EXPECT_FALSE(records::open("/dev/null/r.db", problem));
  EXPECT_NE(problem.find("/dev/null/r.db"), std::string::npos);
}
