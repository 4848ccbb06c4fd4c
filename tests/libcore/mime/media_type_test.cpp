#include "msgkit/core/mime/media_type.hpp"

#include <gtest/gtest.h>

namespace msgkit::mime {
namespace {

TEST(MediaType, ReadsTypeAndParametersInAnyCase) {
  const auto t = parse_media_type("Multipart/Related;Type=\"application/smil\";Start=\"<AAAA>\";  boundary=\"b c\"");
  EXPECT_TRUE(t.is("multipart/related"));
  EXPECT_EQ(t.get("type"), "application/smil");
  EXPECT_EQ(t.get("start"), "<AAAA>");
  EXPECT_EQ(t.get("boundary"), "b c");
  EXPECT_EQ(t.find("missing"), nullptr);
}

// What mimetic gets wrong.
TEST(MediaType, UnderstandsQuotedSemicolonsAndEscapes) {
  EXPECT_EQ(parse_media_type("multipart/mixed; boundary=\"a;b\"").get("boundary"), "a;b");
  const auto t = parse_media_type("multipart/related; start=\"<a;b@c>\"; boundary=x");
  EXPECT_EQ(t.get("boundary"), "x");
  EXPECT_EQ(t.get("start"), "<a;b@c>");
  EXPECT_EQ(parse_media_type("image/jpeg; name=\"a \\\"b\\\".jpg\"").get("name"), "a \"b\".jpg");
  EXPECT_TRUE(parse_media_type("multipart/related ; boundary=x").is("multipart/related"));
  EXPECT_EQ(parse_media_type("multipart/mixed boundary=x").get("boundary"), "x");
  EXPECT_EQ(parse_media_type("a/b; x = 1 y=2").get("y"), "2");
}

TEST(MediaType, TheFirstOfRepeatedParametersCounts) {
  EXPECT_EQ(parse_media_type("a/b; x=1; X=2").get("x"), "1");
}

TEST(MediaType, JoinsRfc2231Pieces) {
  const auto t = parse_media_type("a/b; name*0*=utf-8''gr%C3%BC; name*1=\"ss.jpg\"; boundary*=us-ascii'en'x%20y");
  EXPECT_EQ(t.get("name"), "gr\xC3\xBCss.jpg");
  EXPECT_EQ(t.get("boundary"), "x y");
}

TEST(MediaType, WapMultipartIsMultipart) {
  EXPECT_TRUE(parse_media_type("application/vnd.wap.multipart.related; boundary=x").is("multipart/related"));
}

TEST(MediaType, WhatCannotBeReadIsPlainText) {
  for (const auto* text : {"", ";", "jpeg", "image/", "/jpeg", "a b/c", "image/jp eg"})
    EXPECT_TRUE(parse_media_type(text).is("text/plain")) << text;
}

TEST(MediaType, QuotesWhatIsNoToken) {
  media_type t{.type = "image", .subtype = "png", .parameters = {{"name", "a \"b\".png"}, {"x", "y"}}};
  EXPECT_EQ(to_string(t), "image/png; name=\"a \\\"b\\\".png\"; x=y");
  EXPECT_EQ(parse_media_type(to_string(t)).get("name"), "a \"b\".png");
}

}  // namespace
}  // namespace msgkit::mime
