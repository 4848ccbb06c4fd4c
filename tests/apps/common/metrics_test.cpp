#include "common/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "common/process_metrics.hpp"

namespace msgkit::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(Metrics, RendersCountersGaugesAndHistograms) {
  metrics m;
  m.counter("smpp_pdus_total", "PDUs.", {{"direction", "in"}}).add(3);
  m.gauge("smpp_sessions", "Sessions.").set(2.5);
  constexpr double bounds[] = {0.1, 1};
  const auto h = m.histogram("smpp_response_seconds", "Latency.", {}, bounds);
  for (const double v : {0.05, 0.1, 0.5, 7.0}) h.observe(v);
  const auto text = m.render();
  EXPECT_THAT(text, HasSubstr("# HELP smpp_pdus_total PDUs.\n# TYPE smpp_pdus_total counter\n"
                              "smpp_pdus_total{direction=\"in\"} 3"));
  EXPECT_THAT(text, HasSubstr("smpp_sessions 2.5"));
  EXPECT_THAT(text, HasSubstr("smpp_response_seconds_bucket{le=\"0.1"));
  EXPECT_THAT(text, HasSubstr("smpp_response_seconds_bucket{le=\"1\"} 3"));
  EXPECT_THAT(text, HasSubstr("smpp_response_seconds_bucket{le=\"+Inf\"} 4"));
  EXPECT_THAT(text, HasSubstr("smpp_response_seconds_count 4"));
}

TEST(Metrics, GivesTheSameSeriesForTheSameLabels) {
  metrics m;
  m.counter("a_total", "A.", {{"x", "1"}}).add();
  m.counter("a_total", "A.", {{"x", "1"}}).add();
  EXPECT_EQ(m.counter("a_total", "A.", {{"x", "1"}}).value(), 2u);
  EXPECT_EQ(m.counter("a_total", "A.", {{"x", "2"}}).value(), 0u);
  EXPECT_EQ(occurrences(m.render(), "# TYPE a_total"), 1u);
}

TEST(Metrics, EscapesLabelValues) {
  metrics m;
  m.counter("a_total", "A.", {{"x", "q\"b\\n\nend"}}).add();
  EXPECT_THAT(m.render(), HasSubstr(R"(a_total{x="q\"b\\n\nend"} 1)"));
}

TEST(Metrics, BoundsTheSeriesOfAFamily) {
  metrics m(3);
  for (int i = 0; i < 10; ++i) m.counter("a_total", "A.", {{"client", std::to_string(i)}}).add();
  EXPECT_EQ(m.counter("a_total", "A.", {{"client", "other"}}).value(), 7u);
  EXPECT_EQ(occurrences(m.render(), "a_total{"), 4u);
}

TEST(Metrics, RefusesOurOwnMistakes) {
  metrics m;
  m.counter("a_total", "A.");
  EXPECT_THROW(m.gauge("a_total", "A."), std::invalid_argument);
  EXPECT_THROW(m.counter("0bad", "A."), std::invalid_argument);
  EXPECT_THROW(m.counter("ok_total", "A.", {{"bad-label", "x"}}), std::invalid_argument);
  constexpr double bounds[] = {1, 1};
  EXPECT_THROW(m.histogram("h_seconds", "H.", {}, bounds), std::invalid_argument);
}

TEST(Metrics, ReadsCallbacksWhileTheirTokenLives) {
  metrics m;
  auto token = m.on_collect([](metric_sink& sink) {
    sink.gauge("queue_messages", "Queue.", 5, {{"lane", "a"}});
    sink.gauge("queue_messages", "Queue.", 6, {{"lane", "b"}});
  });
  auto other = m.on_collect([](metric_sink& sink) { sink.gauge("queue_messages", "Queue.", 7, {{"lane", "c"}}); });
  const auto text = m.render();
  EXPECT_EQ(occurrences(text, "# TYPE queue_messages"), 1u);
  EXPECT_EQ(occurrences(text, "queue_messages{"), 3u);
  token.reset();
  EXPECT_EQ(occurrences(m.render(), "queue_messages{"), 1u);
}

TEST(Metrics, ACallbackTokenMayOutliveTheRegistry) {
  std::shared_ptr<void> token;
  {
    metrics m;
    token = m.on_collect([](metric_sink&) {});
  }
  token.reset();
}

TEST(Metrics, CountsFromSeveralThreads) {
  metrics m;
  const auto c = m.counter("a_total", "A.");
  const auto h = m.histogram("h_seconds", "H.");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        c.add();
        h.observe(0.001);
      }
    });
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(m.render().empty());
  for (auto& t : threads) t.join();
  EXPECT_EQ(c.value(), 4000u);
  EXPECT_THAT(m.render(), HasSubstr("h_seconds_count 4000"));
}

TEST(Metrics, DescribesTheProcess) {
  metrics m;
  m.add_process_metrics("msggw", "0.1.0", "abc");
  const auto text = m.render();
  EXPECT_THAT(text, HasSubstr("msggw_build_info{version=\"0.1.0\",revision=\"abc\"} 1"));
  for (const auto* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
                           "process_start_time_seconds ", "process_max_fds "})
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name)) << name;
  EXPECT_GT(resident_bytes(), 1'000'000u);
}

TEST(Metrics, EmptyHandlesCountNothing) {
  counter{}.add();
  gauge{}.set(1);
  histogram{}.observe(1);
  EXPECT_EQ(counter{}.value(), 0u);
}

}  // namespace
}  // namespace msgkit::app
