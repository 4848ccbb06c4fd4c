#include "common/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr time_point start{};

struct Captured {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), std::fclose};
  std::string text() {
    std::fflush(file.get());
    std::rewind(file.get());
    std::string out(10'000, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), file.get()));
    return out;
  }
};

TEST(Progress, ShowsShareRateRemainingAndExtra) {
  progress p(stderr, progress_mode::quiet, "msg", 10'000, start);
  EXPECT_EQ(p.line(4'200, "p99 1.2 ms", start + 4s),
            "[==========>             ]  42%  4 200/10 000 msg  1 050/s  5s left  p99 1.2 ms");
  EXPECT_EQ(p.line(10'000, "", start + 8s), "[========================] 100%  10 000/10 000 msg  1 250/s");
  EXPECT_EQ(progress(stderr, progress_mode::quiet, "msg", 0, start).line(5, "", start + 1s), "5 msg  5/s");
  EXPECT_THAT(p.line(1, "", start + 1s), HasSubstr("2h46m left"));
}

TEST(Progress, IsSilentWhenQuiet) {
  Captured out;
  progress p(out.file.get(), progress_mode::quiet, "msg", 10, start);
  p.update(5, "", start + 10s);
  p.finish(10, "", start + 20s);
  EXPECT_EQ(out.text(), "");
}

TEST(Progress, PrintsALineEveryFiveSecondsElsewhere) {
  Captured out;
  progress p(out.file.get(), progress_mode::plain, "msg", 100, start);
  for (int i = 0; i <= 11; ++i) p.update(static_cast<std::uint64_t>(i), "", start + i * 1s);
  p.finish(100, "", start + 12s);
  const auto text = out.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Progress, RedrawsOneLineOnATerminal) {
  Captured out;
  progress p(out.file.get(), progress_mode::terminal, "msg", 100, start);
  for (int i = 0; i < 100; ++i) p.update(static_cast<std::uint64_t>(i), "", start + i * 10ms);
  p.finish(100, "", start + 1s);
  const auto text = out.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), 11);
}

TEST(Progress, ShowsAStall) {
  Captured out;
  progress p(out.file.get(), progress_mode::plain, "msg", 100, start);
  p.update(50, "", start + 1s);
  p.update(50, "", start + 3s);
  EXPECT_THAT(p.line(50, "", start + 3s), HasSubstr(" 0/s"));
}

TEST(Progress, FormatsNumbers) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1 234 567");
  EXPECT_EQ(format_latency(850ns), "850 ns");
  EXPECT_EQ(format_latency(12'300ns), "12.3 us");
  EXPECT_EQ(format_latency(4'560us), "4.56 ms");
  EXPECT_EQ(format_latency(1'200ms), "1.2 s");
}

}  // namespace
}  // namespace msgkit::app
