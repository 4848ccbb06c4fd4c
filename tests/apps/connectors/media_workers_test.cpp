#include "connectors/media_workers.hpp"

#include <gtest/gtest.h>

namespace msgkit::app::test {
namespace {

using namespace std::chrono_literals;

struct outcome {
  std::string refusal{};
  wall_time good_until{};
  int number = 0;
};

const wall_time now = driver_clock::wall_now();
outcome made(int number, wall_time until = now + 1h) { return {.good_until = until, .number = number}; }

TEST(MediaMemory, ForgetsWhatWasNotAskedForLongest) {
  media_memory<outcome> m(2, 1'000);
  m.keep("a", made(1));
  m.keep("b", made(2));
  EXPECT_EQ(m.find("a", now)->number, 1);
  m.keep("c", made(3));
  EXPECT_FALSE(m.find("b", now));
  EXPECT_EQ(m.find("a", now)->number, 1);
  EXPECT_EQ(m.find("c", now)->number, 3);
}

TEST(MediaMemory, HoldsNoMoreOctetsThanItMay) {
  media_memory<outcome> m(100, 1'000);
  m.keep("a", made(1), 600);
  m.keep("b", made(2), 400);
  EXPECT_TRUE(m.find("a", now));
  m.keep("c", made(3), 1);
  EXPECT_FALSE(m.find("b", now));
  EXPECT_TRUE(m.find("a", now));
  m.keep("a", made(4), 10);  // again: what it had counts no more
  m.keep("d", made(5), 980);
  EXPECT_EQ(m.find("a", now)->number, 4);
  EXPECT_TRUE(m.find("c", now));
  m.keep("e", made(6), 1'001);
  EXPECT_FALSE(m.find("e", now)) << "it alone is too much";
}

TEST(MediaMemory, KnowsNothingThatEndsBeforeItIsNeeded) {
  media_memory<outcome> m(10, 1'000);
  m.keep("a", made(1, now + 1h));
  EXPECT_TRUE(m.find("a", now + 1h));
  EXPECT_FALSE(m.find("a", now + 2h));
  m.keep("b", {.refusal = "gif_too_large", .good_until = now + 1h});
  EXPECT_TRUE(m.find("b", now + 2h)) << "nothing needs to outlive a refusal";
  m.keep("c", {.refusal = "gif_too_large", .good_until = now - 1s});
  EXPECT_FALSE(m.find("c", now));
}

TEST(MediaKey, TellsApartWhatIsDifferentWork) {
  const auto key = media_key("image/png", "a", "x", 1, media_class::k300);
  EXPECT_EQ(media_key("image/png", "a", "x", 1, media_class::k300), key);
  EXPECT_NE(media_key("image/gif", "a", "x", 1, media_class::k300), key);
  EXPECT_NE(media_key("image/png", "b", "x", 1, media_class::k300), key);
  EXPECT_NE(media_key("image/png", "a", "y", 1, media_class::k300), key);
  EXPECT_NE(media_key("image/png", "a", "x", 2, media_class::k300), key);
  EXPECT_NE(media_key("image/png", "a", "x", 1, media_class::m1), key);
}

}  // namespace
}  // namespace msgkit::app::test
