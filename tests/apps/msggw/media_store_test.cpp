// The same rules for media in files and in PostgreSQL.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/digest.hpp"
#include "msggw/media/media_stores.hpp"
#include "msgkit/core/hex.hpp"
#include "postgres_fixture.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr wall_time now{1'700'000'000'000ms};

struct MediaStore : ::testing::TestWithParam<const char*> {
  fs::path directory = fs::temp_directory_path() / ("msgkit_media_" + to_hex(as_bytes(random_octets(8))));
  std::string why, schema = fresh_schema();
  std::unique_ptr<media_store> store;

  void SetUp() override {
    if (is_postgres()) MSGKIT_NEEDS_POSTGRES();
    store = open();
    ASSERT_TRUE(store) << why;
  }
  ~MediaStore() override {
    store.reset();
    fs::remove_all(directory);
  }
  static bool is_postgres() { return std::string_view(GetParam()) == "postgres"; }
  std::unique_ptr<media_store> open() {
    if (is_postgres()) return open_postgres_media_store(postgres_options(schema), why);
    return open_directory_media_store(directory, why);
  }
  std::string put(std::string content, wall_time expires = now + 1h) {
    auto token = make_media_token();
    EXPECT_TRUE(store->put(token, {"image/png", "cät.png", expires, std::move(content)})) << store->problem();
    return token;
  }
  std::optional<medium> get(const std::string& token, wall_time at = now) {
    std::optional<medium> out;
    EXPECT_TRUE(store->get(token, at, out)) << store->problem();
    return out;
  }
};

TEST_P(MediaStore, GivesBackEveryOctet) {
  std::string content;
  for (int i = 0; i < 300'000; ++i) content += static_cast<char>(i * 7 % 256);
  const auto token = put(content);
  store = open();
  const auto m = get(token);
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->content == content);
  EXPECT_EQ(m->type, "image/png");
  EXPECT_EQ(m->name, "cät.png");
  EXPECT_EQ(m->expires_at, now + 1h);
}

TEST_P(MediaStore, SeveralOpenedOnTheSameSeeTheSame) {
  const auto other = open();
  ASSERT_TRUE(other) << why;
  std::optional<medium> m;
  EXPECT_TRUE(other->get(put("x"), now, m));
  EXPECT_TRUE(m);
}

TEST_P(MediaStore, WhatHasExpiredIsAsGoodAsGone) {
  const auto token = put("x", now + 1h);
  EXPECT_TRUE(get(token, now + 59min));
  EXPECT_FALSE(get(token, now + 1h));
  EXPECT_FALSE(get(make_media_token()));
}

TEST_P(MediaStore, RemovesWhatHasExpiredAndNothingElse) {
  std::vector<std::string> old, young;
  for (int i = 0; i < 150; ++i) old.push_back(put("old", now + 1h));
  for (int i = 0; i < 3; ++i) young.push_back(put("young", now + 3h));
  const auto later = now + 2h;
  while (store->remove_expired(later)) {}
  // Asked as of a time when they were good: they are gone, not only hidden.
  for (const auto& token : old) EXPECT_FALSE(get(token, now));
  for (const auto& token : young) EXPECT_TRUE(get(token, now));
}

INSTANTIATE_TEST_SUITE_P(Each, MediaStore, ::testing::Values("directory", "postgres"),
                         [](const auto& p) { return std::string(p.param); });

struct MediaDirectory : ::testing::Test {
  fs::path directory = fs::temp_directory_path() / ("msgkit_media_" + to_hex(as_bytes(random_octets(8))));
  ~MediaDirectory() override { fs::remove_all(directory); }
};

TEST_F(MediaDirectory, SaysWhatIsDamaged) {
  std::string why;
  const auto store = open_directory_media_store(directory, why);
  const auto token = make_media_token();
  ASSERT_TRUE(store->put(token, {"image/png", "", now + 1h, "octets"}));
  const auto file = directory / token.substr(0, 2) / token;
  std::optional<medium> m;
  for (const auto size : {fs::file_size(file) - 1, std::uintmax_t{20}, std::uintmax_t{0}}) {
    fs::resize_file(file, size);
    EXPECT_FALSE(store->get(token, now, m)) << size;
    EXPECT_NE(store->problem().find("damaged"), std::string::npos);
  }
}

TEST_F(MediaDirectory, CannotBeWhereThereIsAFile) {
  std::ofstream(directory) << "x";
  std::string why;
  EXPECT_FALSE(open_directory_media_store(directory, why));
  EXPECT_NE(why.find(directory.string()), std::string::npos);
}

TEST_F(MediaDirectory, LeavesNothingOfWhatItCouldNotWrite) {
  std::string why;
  const auto store = open_directory_media_store(directory, why);
  const auto token = make_media_token();
  std::ofstream(directory / token.substr(0, 2)) << "in the way";
  EXPECT_FALSE(store->put(token, {"image/png", "", now + 1h, "octets"}));
  EXPECT_FALSE(store->problem().empty());
}

}  // namespace
}  // namespace msgkit::app
