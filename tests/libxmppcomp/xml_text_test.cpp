#include "msgkit/xmppcomp/xml_text.hpp"

#include <gtest/gtest.h>

#include "msgkit/xmppcomp/element.hpp"
#include "msgkit/xmppcomp/stream_parser.hpp"
#include "stream_script.hpp"
#include "support/random_source.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using msgkit::test::random_source;

namespace {

std::string escaped(std::string_view text, bool attribute = false) {
  std::string out;
  append_escaped(out, text, attribute);
  return out;
}

// What a parser at the other end reads where we wrote `text` as a body.
std::string read_back(const std::string& text) {
  element m("message");
  m.add("body").text = text;
  const auto read = read_stanzas(stream_open + to_xml(m));
  return read.size() == 1 ? std::string(read.front().child_text("body")) : "not one stanza";
}

}  // namespace

TEST(XmlText, EscapesWhatXmlGivesAMeaning) {
  EXPECT_EQ(escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&apos;");
  EXPECT_EQ(escaped("]]>"), "]]&gt;");
  EXPECT_EQ(escaped("line\nnext\ttab\r"), "line\nnext\ttab&#xD;");
  EXPECT_EQ(escaped("line\nnext\ttab\r", true), "line&#xA;next&#x9;tab&#xD;");
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
    EXPECT_EQ(is_xml_text(text), clean_text(text) == text);
    EXPECT_TRUE(is_xml_text(clean_text(text)));
  }
}

TEST(XmlText, EveryTextComesBackAsItsCleanForm) {
  random_source random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto n = random.below(24); n > 0; --n)
      text += random.below(2) == 0 ? static_cast<char>(random.below(256)) : "&<>'\"\r\n\t]é"[random.below(10)];
    EXPECT_EQ(read_back(text), clean_text(text));
  }
}

TEST(XmlText, EveryOctetComesBackInAnAttribute) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = std::string("a") + static_cast<char>(c) + "b";
    element m("message");
    m.set("id", text);
    const auto read = read_stanzas(stream_open + to_xml(m));
    ASSERT_EQ(read.size(), 1u) << c;
    EXPECT_EQ(read.front().get("id"), clean_text(text)) << c;
  }
}

TEST(XmlText, KnowsNames) {
  for (const auto* good : {"a", "message", "_x", "a-b.c9", "é"}) EXPECT_TRUE(is_xml_name(good)) << good;
  for (const auto* bad : {"", "9a", "a b", "a:b", "a>", "-a", "a/", "a='b'", "\xFF"})
    EXPECT_FALSE(is_xml_name(bad)) << bad;
}

// Case 43: text that looks like XML stays text.
TEST(StanzaInjection, AClosingTagInTheTextIsText) {
  const std::string text = "</body></message><iq type='set' to='admin@example.org'><query/></iq><message><body>";
  EXPECT_EQ(read_back(text), text);
  EXPECT_EQ(read_back("]]></body></message>"), "]]></body></message>");
  element m("message");
  m.set("to", "a'/><iq id='x");
  const auto read = read_stanzas(stream_open + to_xml(m));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read.front().get("to"), "a'/><iq id='x");
}
