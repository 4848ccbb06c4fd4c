#include "connectors/media_types.hpp"

#include <gtest/gtest.h>

namespace msgkit::app::test {
namespace {

using namespace std::string_view_literals;

constexpr auto jpeg = "\xFF\xD8\xFF\xE0 and so on"sv;
constexpr auto mp4 =
    "\0\0\0\x18"
    "ftypisom"sv;

TEST(MediaTypes, OctetsCountMoreThanWords) {
  EXPECT_EQ(media_type_of("image/png", jpeg), "image/jpeg");
  EXPECT_EQ(media_type_of("", jpeg), "image/jpeg");
  EXPECT_EQ(media_type_of("text/html", jpeg), "image/jpeg");
  EXPECT_EQ(media_type_of("application/octet-stream", "%PDF-1.7"), "application/pdf");
  EXPECT_EQ(media_type_of("x", "RIFF\1\2\3\4WAVEfmt "), "audio/wav");
}

TEST(MediaTypes, AContainerIsWhatItsSenderSays) {
  EXPECT_EQ(media_type_of("audio/mp4", mp4), "audio/mp4");
  EXPECT_EQ(media_type_of("video/3gpp", mp4), "video/3gpp");
  EXPECT_EQ(media_type_of("text/html", mp4), "video/mp4");
  EXPECT_EQ(media_type_of("", mp4), "video/mp4");
}

TEST(MediaTypes, AnImageThatIsNoneIsNothing) {
  EXPECT_EQ(media_type_of("image/jpeg", "<html>"), "");
  EXPECT_EQ(media_type_of("image/JPG; name=x", "<html>"), "");
  EXPECT_EQ(media_type_of("image/gif", ""), "");
}

TEST(MediaTypes, OthersKeepTheirName) {
  EXPECT_EQ(media_type_of("Text/Plain; charset=utf-8", "hello"), "text/plain");
  EXPECT_EQ(media_type_of("audio/mp3", "no tag"), "audio/mpeg");
  for (const auto* wrong : {"", "image", "a/b/c", "a b/c", "text/plain\r\nX: y", "/", "text/"})
    EXPECT_EQ(media_type_of(wrong, "hello"), "application/octet-stream") << wrong;
}

TEST(MediaTypes, KnowsItsOwnExtensions) {
  EXPECT_EQ(extension_of("image/jpeg"), ".jpg");
  EXPECT_EQ(extension_of("application/octet-stream"), "");
}

TEST(MediaTypes, AllowsByNameOrKind) {
  const std::vector<std::string> some{"image/png", "audio/*"};
  EXPECT_TRUE(is_type_allowed("image/png", some));
  EXPECT_TRUE(is_type_allowed("audio/amr", some));
  EXPECT_FALSE(is_type_allowed("image/svg+xml", some));
  EXPECT_FALSE(is_type_allowed("audiox/amr", some));
  for (const auto* scripted : {"text/html", "image/svg+xml", "application/javascript", "application/octet-stream"})
    EXPECT_FALSE(is_type_allowed(scripted, usual_media_types())) << scripted;
}

}  // namespace
}  // namespace msgkit::app::test
