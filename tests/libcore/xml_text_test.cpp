#include "msgkit/core/xml_text.hpp"

#include <gtest/gtest.h>

#include "support/random_source.hpp"

using namespace msgkit;
using msgkit::test::random_source;

namespace {

std::string escaped(std::string_view text, xml_place place = xml_place::content,
                    char32_t for_controls = replacement_character) {
  std::string out;
  append_xml_text(out, text, place, for_controls);
  return out;
}

}  // namespace

TEST(XmlText, EscapesWhatXmlGivesAMeaning) {
  EXPECT_EQ(escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&apos;");
  EXPECT_EQ(escaped("]]>"), "]]&gt;");
  EXPECT_EQ(escaped("line\nnext\ttab\r"), "line\nnext\ttab&#xD;");
  EXPECT_EQ(escaped("line\nnext\ttab\r", xml_place::attribute), "line&#xA;next&#x9;tab&#xD;");
}

TEST(XmlText, ReplacesWhatXmlCannotCarry) {
  using namespace std::string_literals;
  EXPECT_EQ(escaped("a\0b\x1B\x0C\x1F"s), "a\uFFFDb\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xFF\xFE\xC3\x01"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(escaped("\uFFFE\uFFFF"), "\uFFFD\uFFFD");
  EXPECT_EQ(escaped("П😀\u0085"), "П😀\u0085");
}

TEST(XmlText, ValidityAgreesWithWhatIsReplaced) {
  random_source random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto n = random.below(12); n > 0; --n) text += static_cast<char>(random.below(256));
    EXPECT_EQ(is_xml_text(text), clean_xml_text(text) == text);
    EXPECT_TRUE(is_xml_text(clean_xml_text(text)));
  }
}

TEST(XmlText, KnowsNames) {
  for (const auto* good : {"a", "message", "_x", "a-b.c9", "é"}) EXPECT_TRUE(is_xml_name(good)) << good;
  for (const auto* bad : {"", "9a", "a b", "a:b", "a>", "-a", "a/", "a='b'", "\xFF"})
    EXPECT_FALSE(is_xml_name(bad)) << bad;
}

TEST(XmlText, ControlsBecomeWhatIsAskedFor) {
  EXPECT_EQ(escaped("a\x01\tb\xFF", xml_place::content, U' '), "a \tb\uFFFD");
}
