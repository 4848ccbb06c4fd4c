#include "msgkit/mm4/content.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4 {
namespace {

mime::out_part part(const char* type, std::string_view octets) { return {.type = mime::parse_media_type(type), .content = as_bytes(octets)}; }
std::vector<mime::out_part> list(std::initializer_list<mime::out_part> parts) { return parts; }

TEST(Mm4Content, ALoneTextStandsAlone) {
  const content c(list({part("text/plain", "hi")}));
  EXPECT_EQ(c.parts().size(), 1u);
  EXPECT_EQ(c.header()->content_type, "text/plain");
}

TEST(Mm4Content, MakesAPresentationAndPutsItFirst) {
  const content c(list({part("image/gif", "GIF"), part("text/plain", "hi")}));
  ASSERT_EQ(c.parts().size(), 3u);
  EXPECT_TRUE(c.parts()[0].type.is("application/smil"));
  EXPECT_NE(as_text(c.parts()[0].content).find("cid:part1"), std::string_view::npos);
  const auto type = mime::parse_media_type(c.header()->content_type);
  EXPECT_TRUE(type.is("multipart/related"));
  EXPECT_EQ(type.get("start"), "<smil>");
  EXPECT_EQ(type.get("type"), "application/smil");
}

TEST(Mm4Content, TheCallersPresentationMovesToTheFront) {
  const content c(list({part("image/gif", "GIF"), part("application/smil", "<smil/>")}));
  ASSERT_EQ(c.parts().size(), 2u);
  EXPECT_EQ(as_text(c.parts()[0].content), "<smil/>");
  EXPECT_TRUE(c.has_presentation());
}

TEST(Mm4Content, WithoutAPresentationItIsMixed) {
  const content c(list({part("image/gif", "GIF"), part("text/plain", "hi")}), {.generate_smil = false});
  EXPECT_TRUE(mime::parse_media_type(c.header()->content_type).is("multipart/mixed"));
  const content none;
  EXPECT_TRUE(none.empty());
}

TEST(Mm4Content, SurvivesBeingMoved) {
  content a(list({part("image/gif", "GIF"), part("text/plain", "hi")}));
  const content b = std::move(a);
  EXPECT_NE(as_text(b.parts()[0].content).find("<smil>"), std::string_view::npos);
}

}  // namespace
}  // namespace msgkit::mm4
