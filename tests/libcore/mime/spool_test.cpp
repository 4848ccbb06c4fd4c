#include "msgkit/core/mime/spool.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {
namespace {

TEST(Spool, StaysInMemoryUpToItsThresholdAndGoesOnOnDisk) {
  spool s({.memory_bytes_max = 10, .directory = ::testing::TempDir()});
  EXPECT_EQ(s.view()->size(), 0u);
  ASSERT_TRUE(s.append(as_bytes("12345")));
  EXPECT_EQ(as_text(*s.view()), "12345");
  EXPECT_FALSE(s.is_on_disk());
  ASSERT_TRUE(s.append(as_bytes("67890a")));
  EXPECT_TRUE(s.is_on_disk());
  EXPECT_EQ(as_text(*s.view()), "1234567890a");
  ASSERT_TRUE(s.append(as_bytes("b")));
  EXPECT_EQ(as_text(*s.view()), "1234567890ab");
  EXPECT_EQ(s.size(), 12u);
}

TEST(Spool, LeavesNoFileBehind) {
  const auto directory = std::filesystem::path(::testing::TempDir()) / "spool_test";
  std::filesystem::create_directories(directory);
  spool s({.memory_bytes_max = 0, .directory = directory.string()});
  ASSERT_TRUE(s.append(as_bytes("x")));
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  std::filesystem::remove_all(directory);
}

TEST(Spool, ReportsADirectoryThatIsNotThereAndKeepsWhatItHad) {
  spool s({.memory_bytes_max = 2, .directory = "/nonexistent"});
  ASSERT_TRUE(s.append(as_bytes("ab")));
  EXPECT_EQ(s.append(as_bytes("c")).error().code, errc::spool_failed);
  EXPECT_EQ(as_text(*s.view()), "ab");
}

}  // namespace
}  // namespace msgkit::mime
