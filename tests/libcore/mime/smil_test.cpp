#include "msgkit/core/mime/smil.hpp"

#include <gtest/gtest.h>

namespace msgkit::mime {
namespace {

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Smil, PutsTextAndSoundOnTheSlideOfTheirPicture) {
  const auto smil = make_smil({{parse_media_type("image/gif"), "cid:a"}, {parse_media_type("text/plain"), "cid:b"},
                               {parse_media_type("audio/amr"), "cid:c"}, {parse_media_type("image/gif"), "cid:d"}});
  EXPECT_EQ(count(smil, "<par "), 2u);
  EXPECT_EQ(count(smil, "</par>"), 2u);
  EXPECT_NE(smil.find("<audio src=\"cid:c\"/>"), std::string::npos);
}

TEST(Smil, EscapesSourcesAndLeavesAttachmentsOut) {
  const auto smil = make_smil({{parse_media_type("image/gif"), "a\"><x>&'"}, {parse_media_type("text/x-vcard"), "v"}, {parse_media_type("application/pdf"), "p"}});
  EXPECT_EQ(count(smil, "<x>"), 0u);
  EXPECT_NE(smil.find("a&quot;&gt;&lt;x&gt;&amp;&apos;"), std::string::npos);
  EXPECT_EQ(count(smil, "\"p\""), 0u);
}

}  // namespace
}  // namespace msgkit::mime
