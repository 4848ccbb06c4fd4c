// Whatever text we write, a parser reads the same text and nothing else.
#include <gtest/gtest.h>

#include "msgkit/core/xml_text.hpp"
#include "msgkit/xmppcomp/element.hpp"
#include "msgkit/xmppcomp/stream_parser.hpp"
#include "stream_script.hpp"
#include "support/random_source.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using msgkit::test::random_source;

namespace {

// What a parser at the other end reads where we wrote `text` as a body.
std::string read_back(const std::string& text) {
  element m("message");
  m.add("body").text = text;
  const auto read = read_stanzas(stream_open + to_xml(m));
  return read.size() == 1 ? std::string(read.front().child_text("body")) : "not one stanza";
}

}  // namespace

TEST(StanzaText, EveryTextComesBackAsItsCleanForm) {
  random_source random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto n = random.below(24); n > 0; --n)
      text += random.below(2) == 0 ? static_cast<char>(random.below(256)) : "&<>'\"\r\n\t]é"[random.below(10)];
    EXPECT_EQ(read_back(text), clean_xml_text(text));
  }
}

TEST(StanzaText, EveryOctetComesBackInAnAttribute) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = std::string("a") + static_cast<char>(c) + "b";
    element m("message");
    m.set("id", text);
    const auto read = read_stanzas(stream_open + to_xml(m));
    ASSERT_EQ(read.size(), 1u) << c;
    EXPECT_EQ(read.front().get("id"), clean_xml_text(text)) << c;
  }
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
