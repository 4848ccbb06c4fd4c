#include "connectors/media_recipes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace msgkit::app::test {
namespace {

constexpr std::size_t memory = 1 << 30;

mms_medium item(std::string type, std::uint64_t size) { return {.type = std::move(type), .size = size}; }

media_plan plan(std::string_view type, const std::string& content, std::size_t octets) {
  return plan_for(type, content, octets, media_class::k300, memory);
}

TEST(MediaRecipes, ClassesLeaveRoomForTextAndPresentation) {
  EXPECT_EQ(message_octets_of(media_class::k300), 300U * 1024);
  for (const auto c : {media_class::k300, media_class::k600, media_class::m1})
    EXPECT_LT(media_octets_of(c) + mms_text_octets_max, message_octets_of(c));
}

TEST(MediaRecipes, SmallMediaKeepWhatTheyHaveAndLargeOnesShareTheRest) {
  using sizes = std::vector<std::size_t>;
  EXPECT_EQ(shares_of({item("image/jpeg", 50), item("image/png", 60)}, 200), (sizes{50, 60}));
  EXPECT_EQ(shares_of({item("image/jpeg", 500), item("image/png", 60), item("video/mp4", 900)}, 200),
            (sizes{70, 60, 70}));
  EXPECT_EQ(shares_of({item("application/pdf", 100), item("image/jpeg", 500)}, 200), (sizes{100, 100}));
  EXPECT_EQ(shares_of({item("application/pdf", 201), item("image/jpeg", 500)}, 200), sizes{});
  EXPECT_EQ(shares_of({}, 200), sizes{});
}

TEST(MediaRecipes, WhatFitsAndTellsNothingNeedsNoWork) {
  for (const auto* type : {"image/jpeg", "image/png", "image/gif", "video/mp4", "audio/mpeg", "text/plain"})
    EXPECT_FALSE(plan(type, "12345", 5).needs_work) << type;
  for (const auto* type : {"image/jpeg", "image/png", "image/gif", "video/mp4", "audio/mpeg"}) {
    EXPECT_TRUE(plan(type, "123456", 5).needs_work) << type;
    EXPECT_FALSE(plan(type, "123456", 5).recipes.empty()) << type;
  }
  EXPECT_TRUE(plan("text/plain", "123456", 5).recipes.empty());
}

TEST(MediaRecipes, WhatTellsAPlaceIsCleanedEvenIfItFits) {
  using namespace std::string_literals;
  EXPECT_TRUE(plan("image/jpeg", "..Exif\0\0.."s, 100).needs_work);
  EXPECT_TRUE(plan("image/jpeg", "..http://ns.adobe.com/xap/1.0/..", 100).needs_work);
  EXPECT_EQ(plan("image/png", "..iTXt..", 100).recipes.front().type, "image/png");
  EXPECT_TRUE(plan("video/mp4", "..http://ns.adobe.com/xap/1.0/..", 100).needs_work);
  EXPECT_EQ(plan("video/3gpp", "..\xA9xyz..", 100).recipes.front().type, "video/3gpp");
}

TEST(MediaRecipes, WhatFewCanShowBecomesJpeg) {
  for (const auto* type : {"image/webp", "image/bmp", "image/tiff", "image/heic"})
    EXPECT_EQ(plan(type, "12345", 5).recipes.front().type, "image/jpeg") << type;
}

TEST(MediaRecipes, AnAnimationStaysOne) {
  using namespace std::string_literals;
  const auto frame = "\x21\xF9\x04\0\0\0"s;
  EXPECT_FALSE(plan("image/gif", "GIF89a" + frame, 5).is_animation);
  const auto two = plan("image/gif", "GIF89a\x40\0\x40\0"s + frame + frame, 5);
  EXPECT_TRUE(two.is_animation);
  EXPECT_TRUE(two.recipes.empty()) << "it is small, and still too large";
  const auto large = plan("image/gif", "GIF89a\x40\x01\x10\x01" + frame + frame, 5);
  EXPECT_EQ(large.recipes.size(), 2U) << "of 320 pixels: 240 and 160";
  EXPECT_TRUE(std::ranges::all_of(large.recipes, [](const media_recipe& r) { return r.type == "image/gif"; }));
}

TEST(MediaRecipes, EveryCommandNamesItsFormatAndReadsNothingButItsFile) {
  for (const auto* type :
       {"image/jpeg", "image/png", "image/heic", "video/webm", "video/quicktime", "audio/amr", "audio/wav"})
    for (const auto& r : plan(type, "123456", 5).recipes) {
      const auto has = [&](std::string_view word) { return std::ranges::find(r.arguments, word) != r.arguments.end(); };
      if (r.program == media_program::image) {
        EXPECT_TRUE(std::ranges::any_of(r.arguments, [](const std::string& a) { return a.find(":/dev/fd/3") < 10; }))
            << type;
        EXPECT_TRUE(has("-strip"));
      } else {
        const auto input = std::ranges::find(r.arguments, "-i");
        ASSERT_NE(input, r.arguments.end());
        EXPECT_EQ(*std::prev(input, 2), "-f") << type;
        EXPECT_EQ(*std::next(input), "/dev/fd/3");
        EXPECT_TRUE(has("-protocol_whitelist"));
        EXPECT_TRUE(has("-map_metadata"));
      }
    }
}

TEST(MediaRecipes, NamesGetTheNewExtensionAndStayUnique) {
  EXPECT_EQ(renamed("cat.png", "image/jpeg", {}), "cat.jpg");
  EXPECT_EQ(renamed("cat", "image/jpeg", {}), "cat.jpg");
  EXPECT_EQ(renamed("a.b.png", "image/jpeg", {}), "a.b.jpg");
  EXPECT_EQ(renamed(".png", "image/jpeg", {}), ".png.jpg");
  EXPECT_EQ(renamed("cat.png", "image/jpeg", {"cat.jpg", "cat-2.jpg"}), "cat-3.jpg");
}

TEST(MediaRecipes, APresentationFollowsItsParts) {
  const std::vector<std::pair<std::string, std::string>> names{{"a.png", "a.jpg"}, {"b.bmp", "b.jpg"}};
  EXPECT_EQ(rename_in_smil(R"(<img src="a.png"/><img src='cid:b.bmp'/><img src="a.png.txt"/> a.png src=a.png)", names),
            R"(<img src="a.jpg"/><img src='cid:b.jpg'/><img src="a.png.txt"/> a.png src=a.png)");
}

TEST(MediaRecipes, ADamagedPresentationIsLeftAlone) {
  const std::string smil = R"(<img src="cid:a.png"/><img src='b'/>)";
  for (std::size_t n = 0; n <= smil.size(); ++n) {
    EXPECT_EQ(rename_in_smil(smil.substr(0, n), {{"x", "y"}}), smil.substr(0, n));
    for (const char c : {'"', '\'', '=', '\0'}) {
      auto changed = smil;
      if (n < changed.size()) changed[n] = c;
      EXPECT_EQ(rename_in_smil(changed, {{"x", "y"}}), changed);
    }
  }
}

}  // namespace
}  // namespace msgkit::app::test
