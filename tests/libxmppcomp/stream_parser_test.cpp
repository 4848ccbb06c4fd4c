#include "msgkit/xmppcomp/stream_parser.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include "stream_script.hpp"
#include "support/random_source.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using msgkit::test::random_source;

namespace {

const std::string small_talk =
    stream_open +
    "<handshake/> \n<message from='a@b/c' to='+1@sms' id='m1'><body>h\u00e9llo &amp; "
    "&#60;bye&#x3e;<![CDATA[ <x> ]]></body></message><presence/><iq type='get'><q xmlns='u'/></iq>"
    "</stream:stream>";

stream_condition error_of(const std::string& after_open, const xml_limits& limits = {}) {
  const auto log = parse_in_pieces(stream_open + after_open, 0, limits);
  EXPECT_TRUE(log.failed) << after_open.substr(0, 80);
  return log.error;
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST(StreamParser, CutsTheStreamIntoHeaderStanzasAndEnd) {
  const auto log = parse_in_pieces(small_talk);
  EXPECT_EQ(log.items, (std::vector<std::string>{
                           "header id=3BF96D32 from=sms.localhost", "<handshake/>",
                           "<message from='a@b/c' to='+1@sms' id='m1'><body>h\u00e9llo &amp; &lt;bye&gt; &lt;x&gt; "
                           "</body></message>",
                           "<presence/>", "<iq type='get'><q xmlns='u'/></iq>", "end"}));
}

TEST(StreamParser, PiecesOfAnySizeGiveTheSame) {
  const auto whole = parse_in_pieces(small_talk);
  for (std::size_t piece = 1; piece <= small_talk.size(); ++piece)
    EXPECT_EQ(parse_in_pieces(small_talk, piece), whole) << piece;
}

TEST(StreamParser, EveryCutInTwoGivesTheSame) {
  const auto whole = parse_in_pieces(small_talk);
  for (std::size_t cut = 0; cut <= small_talk.size(); ++cut) {
    stream_parser parser;
    parse_log log;
    parser.feed(as_bytes(std::string_view(small_talk).substr(0, cut)));
    drain(parser, log);
    parser.feed(as_bytes(std::string_view(small_talk).substr(cut)));
    drain(parser, log);
    EXPECT_EQ(log, whole) << cut;
  }
}

TEST(StreamParser, APrefixNeverFailsAndNeverEnds) {
  for (std::size_t size = 0; size + 1 < small_talk.size(); ++size) {
    const auto log = parse_in_pieces(std::string_view(small_talk).substr(0, size));
    EXPECT_FALSE(log.failed) << size;
    EXPECT_TRUE(log.items.empty() || log.items.back() != "end") << size;
  }
}

TEST(StreamParser, AChangedOctetNeverCrashesNorDependsOnThePieces) {
  random_source random(3);
  for (std::size_t at = 0; at < small_talk.size(); ++at) {
    auto changed = small_talk;
    changed[at] = static_cast<char>(random.below(256));
    EXPECT_EQ(parse_in_pieces(changed, 1), parse_in_pieces(changed)) << at;
  }
}

TEST(StreamParser, AStanzaIsThereWithTheOctetThatEndsIt) {
  stream_parser parser;
  parse_log log;
  const std::string stanza = "<message><body>" + std::string(8'000, 'x') + "</body></message>";
  for (const char c : stream_open + stanza) {
    parser.feed(bytes_view{reinterpret_cast<const std::uint8_t*>(&c), 1});
    drain(parser, log);
  }
  EXPECT_EQ(log.items.size(), 2u) << "expat must not wait for more";
  EXPECT_FALSE(parser.is_partial());
}

TEST(StreamParser, FeedingBeforeAllWasTakenLosesNothing) {
  stream_parser parser;
  const std::string first = stream_open + "<presence id='1'/><presence id='2'/>", second = "<presence id='3'/>";
  parser.feed(as_bytes(first));
  parser.feed(as_bytes(second));
  parse_log log;
  drain(parser, log);
  EXPECT_EQ(log.items.size(), 4u);
}

TEST(StreamParser, ReadsTheIdOfTheStreamUnescaped) {
  const auto log = parse_in_pieces("<stream:stream xmlns='jabber:component:accept' "
                                   "xmlns:stream='http://etherx.jabber.org/streams' id='a&amp;b'>");
  EXPECT_EQ(log.items, std::vector<std::string>{"header id=a&b from="});
}

TEST(StreamParser, ClientServerAndComponentNamespacesAreOne) {
  for (const std::string space : {"jabber:client", "jabber:server", "jabber:component:accept", ""}) {
    const auto read = read_stanzas("<s:stream xmlns:s='http://etherx.jabber.org/streams' id='1' xmlns='" + space +
                                   "'><message><body>x</body></message>");
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(to_xml(read.front()), "<message><body>x</body></message>");
  }
}

TEST(StreamParser, WhiteSpaceBetweenStanzasIsAKeepAlive) {
  xml_limits limits;
  limits.stanza_bytes_max = 300;
  const auto log = parse_in_pieces(stream_open + std::string(10'000, ' ') + "<presence/>", 7, limits);
  EXPECT_FALSE(log.failed) << "it does not count towards a stanza";
  EXPECT_EQ(log.items.size(), 2u);
}

TEST(StreamParser, KnowsWhetherAStanzaIsUnfinished) {
  stream_parser parser;
  parse_log log;
  const auto feed = [&](std::string_view text) {
    parser.feed(as_bytes(text));
    drain(parser, log);
    return parser.is_partial();
  };
  EXPECT_FALSE(feed(stream_open));
  EXPECT_TRUE(feed("<mess"));
  EXPECT_TRUE(feed("age>"));
  EXPECT_FALSE(feed("</message>"));
  EXPECT_FALSE(feed("\n"));
}

// ---- case 42

TEST(HostileStream, DoctypeEntitiesCommentsAndInstructionsAreRestricted) {
  EXPECT_EQ(error_of("<!-- comment -->"), stream_condition::restricted_xml);
  EXPECT_EQ(error_of("<message><!-- c --></message>"), stream_condition::restricted_xml);
  EXPECT_EQ(error_of("<?php echo ?>"), stream_condition::restricted_xml);
  EXPECT_EQ(error_of("<message><body>&undefined;</body></message>"), stream_condition::restricted_xml);
  const auto doctype = parse_in_pieces("<!DOCTYPE stream [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>" + stream_open);
  EXPECT_EQ(doctype.error, stream_condition::restricted_xml);
  EXPECT_EQ(error_of("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"), stream_condition::not_well_formed)
      << "XML itself has no document type behind the root";
}

TEST(HostileStream, IllFormedXmlEndsTheStream) {
  for (const std::string bad :
       {"<message></body>", "<a b='1' b='2'/>", "<a b=1/>", "<message><body>\x01</body>", "<body>\xFF\xFE</body>",
        "<a><", "<a>&#1;</a>", "<a>&#xFFFF;</a>", "<message><body>]]></body>", "<<"})
    EXPECT_EQ(parse_in_pieces(stream_open + bad + " x>").error, stream_condition::not_well_formed) << bad;
  EXPECT_EQ(error_of("<x:message/>"), stream_condition::bad_namespace_prefix);
  EXPECT_EQ(error_of("text between stanzas"), stream_condition::bad_format);
}

TEST(HostileStream, WrongBeginningsHaveTheirOwnConditions) {
  EXPECT_EQ(parse_in_pieces("HTTP/1.1 400 Bad Request\r\n").error, stream_condition::not_well_formed);
  EXPECT_EQ(parse_in_pieces("<stream:stream xmlns:stream='urn:other' id='1'>").error,
            stream_condition::invalid_namespace);
  EXPECT_EQ(parse_in_pieces("<html>").error, stream_condition::bad_format);
  EXPECT_EQ(parse_in_pieces("<?xml version='1.0' encoding='UTF-16'?>" + stream_open.substr(21)).error,
            stream_condition::unsupported_encoding);
  EXPECT_EQ(parse_in_pieces("<?xml version='1.0' encoding='iso-8859-1'?>" + stream_open.substr(21)).error,
            stream_condition::unsupported_encoding);
  EXPECT_FALSE(parse_in_pieces("<?xml version='1.0' encoding='Utf-8'?>" + stream_open.substr(21)).failed);
}

TEST(HostileStream, DepthIsLimited) {
  EXPECT_FALSE(parse_in_pieces(stream_open + repeat("<a>", 64) + repeat("</a>", 64)).failed);
  EXPECT_EQ(error_of(repeat("<a>", 65)), stream_condition::policy_violation);
  EXPECT_EQ(error_of(repeat("<a>", 100'000)), stream_condition::policy_violation);
}

TEST(HostileStream, SizeIsLimitedWhereverTheOctetsAre) {
  const std::string kibibyte(1024, 'x');
  EXPECT_EQ(error_of("<message><body>" + repeat(kibibyte, 300)), stream_condition::policy_violation);
  EXPECT_EQ(error_of("<message><body>" + repeat(kibibyte, 300) + "</body></message>"),
            stream_condition::policy_violation);
  EXPECT_EQ(error_of("<message to='" + repeat(kibibyte, 1024)), stream_condition::policy_violation)
      << "an attribute that never ends";
  EXPECT_EQ(error_of("<message to='" + repeat(kibibyte, 5) + "'/>"), stream_condition::policy_violation);
  EXPECT_EQ(error_of("<" + repeat(kibibyte, 1024)), stream_condition::policy_violation) << "a name that never ends";
  EXPECT_EQ(error_of(repeat("<message>", 63) + repeat("<a/>", 5'000)), stream_condition::policy_violation);
  EXPECT_EQ(error_of("<message xmlns='" + repeat(kibibyte, 1) + "'/>"), stream_condition::policy_violation);
  EXPECT_EQ(parse_in_pieces(repeat(" ", 100'000)).error, stream_condition::policy_violation) << "no header ever";
}

TEST(HostileStream, TheNumberOfAttributesIsLimited) {
  const auto with_attributes = [](int count) {
    std::string tag = "<message";
    for (int i = 0; i < count; ++i) tag += " a" + std::to_string(i) + "=''";
    return tag + "/>";
  };
  EXPECT_FALSE(parse_in_pieces(stream_open + with_attributes(64)).failed);
  EXPECT_EQ(error_of(with_attributes(65)), stream_condition::policy_violation);
}

TEST(HostileStream, NamesInventedForEverTakeNoMemory) {
  stream_parser parser;
  parse_log log;
  parser.feed(as_bytes(stream_open));
  drain(parser, log);
  std::size_t stanza_count = 0;
  std::size_t before = 0;
  for (int round = 0; round < 400; ++round) {
    std::string names;
    for (int i = 0; i < 500; ++i) {
      const auto n = std::to_string(round * 500 + i);
      names += "<n" + n + " a" + n + "='1' xmlns:p" + n + "='urn:" + n + "'/>";
    }
    parser.feed(as_bytes(names));
    while (const auto item = parser.next()) {
      ASSERT_EQ(*item, stream_item::stanza);
      ++stanza_count;
    }
    if (round == 100) before = mallinfo2().uordblks;
  }
  EXPECT_EQ(stanza_count, 200'000u) << "and loses no stanza when it begins anew";
  EXPECT_LE(mallinfo2().uordblks, before + 1024 * 1024) << "0 under AddressSanitizer, which has its own";
}

TEST(HostileStream, ARenewedParserKnowsThePrefixesOfTheStream) {
  std::string stream = "<zz:stream xmlns:zz='http://etherx.jabber.org/streams' id='1' xmlns='jabber:client' "
                       "xmlns:stream='urn:o&apos;ther' xmlns:db='jabber:server:dialback'>";
  for (int i = 0; i < 20'000; ++i) stream += "<x" + std::to_string(i) + "/>";
  stream += "<db:result/><stream:odd/><zz:error/><message/></zz:stream>";
  const auto log = parse_in_pieces(stream);
  ASSERT_FALSE(log.failed);
  ASSERT_EQ(log.items.size(), 20'006u);
  EXPECT_EQ(log.items[20'001], "<result xmlns='jabber:server:dialback'/>");
  EXPECT_EQ(log.items[20'002], "<odd xmlns='urn:o&apos;ther'/>");
  EXPECT_EQ(log.items[20'003], "<error xmlns='http://etherx.jabber.org/streams'/>");
  EXPECT_EQ(log.items[20'004], "<message/>");
  EXPECT_EQ(log.items[20'005], "end");
}

TEST(HostileStream, ACharacterSplitAcrossReadsIsWhole) {
  const std::string stream = stream_open + "<message><body>\U0001F600</body></message>";
  EXPECT_EQ(parse_in_pieces(stream, 1).items.back(), "<message><body>\U0001F600</body></message>");
}
