#include "connectors/number_lookup.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <map>
#include <sstream>

#include "connectors/enum_answer.hpp"

using namespace msgkit;
using namespace msgkit::app;
using namespace std::chrono_literals;

namespace {

number_answer found(std::string routing) { return {number_fate::found, std::move(routing), ""}; }

// Keeps questions until the test answers them.
class scripted_source final : public number_source {
 public:
  explicit scripted_source(std::multimap<std::string, handler>& open, std::size_t& asked)
      : open_(open), asked_(asked) {}
  void ask(const std::string& number, handler done) override {
    ++asked_;
    open_.emplace(number, std::move(done));
  }

 private:
  std::multimap<std::string, handler>& open_;
  std::size_t& asked_;
};

class NumberLookup : public testing::Test {
 protected:
  void make(number_lookup_options o, bool with_source = true) {
    lookup_ = std::make_unique<number_lookup>(loop_.get_executor(),
                                              with_source ? std::make_unique<scripted_source>(open_, asked_) : nullptr,
                                              std::move(o), metrics_);
  }
  void ask(const std::string& number) {
    const bool taken = lookup_->find(number, [this, number](const number_answer& a) { got_.emplace(number, a); });
    if (!taken) ++refused_;
    run();
  }
  void answer(const std::string& number, const number_answer& a) {
    auto one = open_.extract(open_.find(number));
    one.mapped()(a);
    run();
  }
  void run() {
    loop_.restart();
    loop_.poll();
  }

  virtual_time time_{time_point{} + 1h, wall_time{}};
  asio::io_context loop_;
  metrics metrics_;
  std::multimap<std::string, number_source::handler> open_;
  std::multimap<std::string, number_answer> got_;
  std::size_t asked_ = 0, refused_ = 0;
  std::unique_ptr<number_lookup> lookup_;
};

}  // namespace

TEST_F(NumberLookup, KeepsAnswersForTheirTime) {
  make({.found_ttl = 10s, .not_found_ttl = 5s, .failed_ttl = 1s});
  EXPECT_FALSE(lookup_->known("12025550100"));
  ask("12025550100");
  EXPECT_TRUE(lookup_->is_asking("12025550100"));
  answer("12025550100", found("1404"));
  EXPECT_FALSE(lookup_->is_asking("12025550100"));
  ASSERT_EQ(got_.size(), 1u);
  EXPECT_EQ(got_.begin()->second.routing, "1404");
  ask("2");
  answer("2", {.fate = number_fate::not_found});
  ask("3");
  answer("3", {});
  time_.advance(999ms);
  EXPECT_EQ(lookup_->known("3")->fate, number_fate::failed);
  time_.advance(1ms);
  EXPECT_FALSE(lookup_->known("3"));
  time_.advance(4s);
  EXPECT_FALSE(lookup_->known("2"));
  EXPECT_EQ(lookup_->known("12025550100")->routing, "1404");
  ask("12025550100");
  EXPECT_EQ(asked_, 3u);  // from what is known
  EXPECT_EQ(got_.size(), 4u);
  time_.advance(5s);
  EXPECT_FALSE(lookup_->known("12025550100"));
}

TEST_F(NumberLookup, QuestionsForOneNumberShareTheAnswer) {
  make({});
  for (int i = 0; i < 3; ++i) ask("1");
  EXPECT_EQ(asked_, 1u);
  answer("1", found("2"));
  EXPECT_EQ(got_.count("1"), 3u);
}

TEST_F(NumberLookup, FewQuestionsAreOpenAndFewWait) {
  make({.questions_max = 2, .waiting_max = 1});
  for (const auto* n : {"1", "2", "3", "4"}) ask(n);
  EXPECT_EQ(open_.size(), 2u);
  EXPECT_EQ(refused_, 1u);
  answer("2", found("9"));
  EXPECT_EQ(open_.size(), 2u);
  EXPECT_EQ(open_.count("3"), 1u);
}

TEST_F(NumberLookup, FewWaitForOneAnswer) {
  make({.waiting_max = 2});
  for (int i = 0; i < 5; ++i) ask("1");
  EXPECT_EQ(refused_, 3u);
  answer("1", found("2"));
  EXPECT_EQ(got_.count("1"), 2u);
}

TEST_F(NumberLookup, TheOldestAnswersMakeRoom) {
  make({.cache_max = 2});
  for (const auto* n : {"1", "2", "3"}) {
    ask(n);
    answer(n, found("9"));
  }
  EXPECT_FALSE(lookup_->known("1"));
  EXPECT_TRUE(lookup_->known("2"));
  EXPECT_TRUE(lookup_->known("3"));
}

TEST_F(NumberLookup, ASourceThatFailsRests) {
  make({.failed_ttl = 5s, .questions_max = 1, .failures_max = 2});
  for (const auto* n : {"1", "2", "3"}) ask(n);
  answer("1", {});
  EXPECT_EQ(open_.size(), 1u);
  answer("2", {});
  EXPECT_EQ(asked_, 2u);
  EXPECT_EQ(got_.count("3"), 1u);  // not asked for
  EXPECT_EQ(lookup_->known("4")->fate, number_fate::failed);
  time_.advance(5s);
  EXPECT_FALSE(lookup_->known("4"));
  ask("4");
  answer("4", {});  // still: one is enough
  EXPECT_TRUE(lookup_->known("5"));
  time_.advance(5s);
  ask("5");
  answer("5", found("9"));
  ask("6");
  answer("6", {});
  EXPECT_FALSE(lookup_->known("7"));
}

TEST_F(NumberLookup, TheFileIsLookedIntoFirst) {
  std::istringstream lines("4670*,46D1\n");
  std::string why;
  auto file = ported_numbers::read(lines, why);
  make({.file = file});
  EXPECT_EQ(lookup_->known("46701")->routing, "46D1");
  EXPECT_FALSE(lookup_->known("4671"));
  make({.file = file}, false);
  EXPECT_EQ(lookup_->known("4671")->fate, number_fate::not_found);
}

TEST_F(NumberLookup, NobodyIsCalledBackByOneThatHasGone) {
  make({});
  ask("1");
  auto late = open_.extract(open_.begin());
  lookup_.reset();
  late.mapped()(found("2"));
  run();
  EXPECT_TRUE(got_.empty());
}

TEST(PortedNumbers, ExactNumbersAndPrefixes) {
  std::istringstream lines(
      "number,routing,network\n# a comment\n\n+46701234567, 46-08 1 ,24001\r\n4670*,,24002\n46701*,99\n"
      "046701234567,1\n46701234567,2,24003\n");
  std::string why;
  const auto all = ported_numbers::read(lines, why);
  ASSERT_TRUE(all) << why;
  EXPECT_EQ(all->size(), 4u);
  ASSERT_NE(all->find("46701234567"), nullptr);
  EXPECT_EQ(all->find("46701234567")->routing, "2");  // the last line holds
  EXPECT_EQ(all->find("46701234567")->network, "24003");
  EXPECT_EQ(all->find("046701234567")->routing, "1");
  EXPECT_EQ(all->find("46701999999")->routing, "99");
  EXPECT_EQ(all->find("46702")->network, "24002");
  EXPECT_EQ(all->find("4671"), nullptr);
  EXPECT_EQ(all->find("x"), nullptr);
  EXPECT_EQ(all->find(""), nullptr);
}

TEST(PortedNumbers, NamesTheLineThatIsWrong) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"1,2\nx,2\n", "line 2: has no number"},
      {"1,x\n", "line 1: the routing number is none"},
      {"1,2,a b\n", "line 1: the network is none"},
      {"1\n", "line 1: has neither"},
      {"1,2,3,4\n", "line 1: has more"},
      {"1234567890123456,2\n", "line 1: has no number of up to 15"},
      {"1,2\n*,2\n", "line 2: has no number"},
  };
  for (const auto& [text, expected] : mistakes) {
    std::istringstream lines(text);
    std::string why;
    EXPECT_FALSE(ported_numbers::read(lines, why)) << text;
    EXPECT_NE(why.find(expected), std::string::npos) << text << ": " << why;
  }
}

TEST(NumberAnswer, ReadsAServicesJson) {
  const number_answer_shape shape{.routing = "/a/0/rn", .network = {"/mcc", "/mnc"}};
  const auto all = read_number_answer(shape, 200, R"({"a":[{"rn":"+1 (404) 555-0000"}],"mcc":240,"mnc":"01"})");
  EXPECT_EQ(all.fate, number_fate::found);
  EXPECT_EQ(all.routing, "14045550000");
  EXPECT_EQ(all.network, "24001");
  EXPECT_EQ(read_number_answer(shape, 200, R"({"a":[{"rn":"d01"}]})").routing, "D01");
  for (const auto* none : {"{}", R"({"a":null,"mcc":null})", R"({"a":"","mcc":""})", "[]"})
    EXPECT_EQ(read_number_answer(shape, 200, none).fate, number_fate::not_found) << none;
  EXPECT_EQ(read_number_answer(shape, 404, "no such number").fate, number_fate::not_found);
  for (const auto* bad : {"", "{", R"({"a":[{"rn":"nobody"}]})", R"({"mcc":"a b"})", R"({"mcc":"\u00e5"})",
                          R"({"a":[{"rn":"111111111111111111111111111111111"}]})"})
    EXPECT_EQ(read_number_answer(shape, 200, bad).fate, number_fate::failed) << bad;
  EXPECT_EQ(read_number_answer(shape, 500, R"({"mcc":"240"})").fate, number_fate::failed);
}

TEST(EnumAnswer, ReversesTheDigits) { EXPECT_EQ(enum_name("1202", "e164.arpa"), "2.0.2.1.e164.arpa"); }

TEST(EnumAnswer, ReadsRoutingNumbersAndNetworks) {
  const auto read = [](std::vector<enum_record> records) { return read_enum_records("12025550101", records); };
  const auto tel = read({{"u", "E2U+pstn:tel", "!^.*$!tel:+1-202-555-0101;npdi;rn=+1-404-555-0000!"}});
  EXPECT_EQ(tel.fate, number_fate::found);
  EXPECT_EQ(tel.routing, "14045550000");
  EXPECT_EQ(tel.network, "");
  EXPECT_EQ(read({{"U", "e2u+PSTN:sip", "!^(.*)$!sip:\\1;npdi;rn=+1404@gw.example;user=phone!"}}).routing, "1404");
  EXPECT_EQ(read({{"u", "pstn:tel+E2U", "#^\\+1(.*)$#tel:\\1;rn=9\\1#"}}).routing, "92025550101");
  const auto mms = read({{"u", "E2U+MMS:mailto", "!^(.*)$!mailto:\\1/TYPE=PLMN@mms.MNC001.mcc240.gprs!"},
                         {"u", "E2U+pstn:tel", "!^.*$!tel:+1;rn=77!"},
                         {"u", "E2U+pstn:tel", "!^.*$!tel:+1;rn=88!"}});
  EXPECT_EQ(mms.network, "240001");
  EXPECT_EQ(mms.routing, "77");
}

TEST(EnumAnswer, WhatSaysNothingIsPassedOver) {
  for (const enum_record& r :
       std::initializer_list<enum_record>{{"u", "E2U+sip", "!^.*$!sip:a@b.example!"},
                                          {"", "E2U+pstn:tel", "!^.*$!tel:+1;rn=77!"},
                                          {"u", "SIP+D2U", "!^.*$!tel:+1;rn=77!"},
                                          {"u", "E2U+pstn:tel", "!^\\+46!tel:+1;rn=77!"},
                                          {"u", "E2U+pstn:tel", "!(!tel:+1;rn=77!"},
                                          {"u", "E2U+pstn:tel", "!^.*$!tel:+1;rn=\\3!"},
                                          {"u", "E2U+pstn:tel", "!^.*$!tel:+1;rn=nobody!"},
                                          {"u", "E2U+pstn:tel", "!^.*$!tel:+1;rn=77"},
                                          {"u", "E2U+pstn:tel", "!!"},
                                          {"u", "E2U+pstn:tel", ""},
                                          {"u", "E2U+web:http", "!^.*$!http://x/;rn=77!"},
                                          {"u", "E2U+mms:mailto", "!^.*$!mailto:x@mms.mnc01.mcc240.gprs!"}})
    EXPECT_EQ(read_enum_records("12025550101", {&r, 1}).fate, number_fate::not_found) << r.services << ' ' << r.regexp;
}
