#include "msgkit/xmppcomp/jid.hpp"

#include <gtest/gtest.h>

#include "msgkit/xmppcomp/address.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/core/xml_text.hpp"
#include "support/random_source.hpp"

using namespace msgkit;
using namespace msgkit::xmppcomp;
using msgkit::test::random_source;

namespace {

std::string normal(std::string_view text) {
  const auto parsed = jid::parse(text);
  return parsed ? parsed->to_string() : "fault in " + std::string(parsed.error().field);
}

}  // namespace

TEST(Jid, TakesAddressesApart) {
  const auto full = jid::parse("alice@example.org/r1/with@signs");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->local(), "alice");
  EXPECT_EQ(full->domain(), "example.org");
  EXPECT_EQ(full->resource(), "r1/with@signs");
  EXPECT_EQ(full->bare().to_string(), "alice@example.org");
  EXPECT_EQ(normal("sms.example.org"), "sms.example.org");
  EXPECT_EQ(normal("sms.example.org/x y"), "sms.example.org/x y");
  EXPECT_EQ(normal("+4791234567@[::1]"), "+4791234567@[::1]");
}

TEST(Jid, LetterCaseOfLocalPartAndDomainDoesNotCount) {
  EXPECT_EQ(normal("Alice@EXAMPLE.org./Res"), "alice@example.org/Res");
  EXPECT_EQ(*jid::parse("ALPHA@SMS.Example"), *jid::parse("alpha@sms.example"));
  EXPECT_TRUE(same_domain("SMS.Example.org", "sms.example.ORG"));
  EXPECT_FALSE(same_domain("sms.example.org", "sms.example.or"));
}

TEST(Jid, RefusesWhatAServerWould) {
  for (const auto* bad :
       {"a b@c", "a&b@c", "a'b@c", "a\"b@c", "a<b@c", "a:b@c", "@host", "a\x01@c", "a\xFF@c", "a\x7F@c"})
    EXPECT_EQ(normal(bad), "fault in local") << bad;
  for (const auto* bad : {"", "a@", "a@b c", "a@b@c", "a@.b", "a@b..c", "a@b..", "a@[x]", "a@b\xC3"})
    EXPECT_EQ(normal(bad), "fault in domain") << bad;
  for (const auto* bad : {"a@b/", "a@b/\x02", "a@b/\xED\xA0\x80"}) EXPECT_EQ(normal(bad), "fault in resource") << bad;
  const auto error = jid::parse("alice@bad domain").error();
  EXPECT_EQ(error.code, errc::jid_invalid);
  EXPECT_EQ(error.offset, 6u);
}

TEST(Jid, EachPartHasItsLimit) {
  const std::string most(1'023, 'a'), more(1'024, 'a');
  EXPECT_TRUE(jid::parse(most + "@b/" + most));
  EXPECT_EQ(normal(more + "@b"), "fault in local");
  EXPECT_EQ(normal("a@" + more), "fault in domain");
  EXPECT_EQ(normal("a@b/" + more), "fault in resource");
}

TEST(JidEscaping, ExamplesOfXep0106) {
  EXPECT_EQ(*escape_local("space cadet"), "space\\20cadet");
  EXPECT_EQ(*escape_local("d'artagnan"), "d\\27artagnan");
  EXPECT_EQ(*escape_local("/.fanboy"), "\\2f.fanboy");
  EXPECT_EQ(*escape_local("<foo>"), "\\3cfoo\\3e");
  EXPECT_EQ(*escape_local("user@host"), "user\\40host");
  EXPECT_EQ(*escape_local("c:\\net"), "c\\3a\\net");
  EXPECT_EQ(*escape_local("c:\\cool stuff"), "c\\3a\\cool\\20stuff");
  EXPECT_EQ(*escape_local("c:\\5commas"), "c\\3a\\5c5commas");
  EXPECT_EQ(unescape_local("+1\\2055"), "+1 55");
  EXPECT_EQ(unescape_local("\\3cfoo\\3E"), "<foo>");
  EXPECT_EQ(unescape_local("a\\2"), "a\\2");
  EXPECT_EQ(unescape_local("\\20a\\20"), "\\20a\\20") << "no space stands at an end";
}

TEST(JidEscaping, RefusesWhatCannotBeALocalPart) {
  for (const auto* bad : {"", " a", "a ", "a\nb", "a\xC3", "\x7F"}) EXPECT_FALSE(escape_local(bad)) << bad;
  EXPECT_FALSE(escape_local(std::string(400, '@')));
}

TEST(JidEscaping, EveryTextComesBackAndIsALocalPart) {
  random_source random(5);
  constexpr std::string_view alphabet = "ab0 \"&'/:<>@\\25c6f7e4";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random.between(1, 10); n > 0; --n) text += alphabet[random.below(alphabet.size())];
    const auto escaped = escape_local(text);
    if (text.front() == ' ' || text.back() == ' ') {
      EXPECT_FALSE(escaped);
      continue;
    }
    ASSERT_TRUE(escaped) << text;
    EXPECT_EQ(unescape_local(*escaped), text) << *escaped;
    EXPECT_TRUE(jid::make(*escaped, "b")) << *escaped;
  }
}

TEST(SenderAddress, NumbersShortCodesAndNames) {
  EXPECT_EQ(local_of_sender("+37250001"), "+37250001");
  EXPECT_EQ(local_of_sender("0037250001"), "+37250001");
  EXPECT_EQ(local_of_sender("10086"), "10086");
  EXPECT_EQ(local_of_sender("0045"), "0045") << "too short for a country";
  EXPECT_EQ(local_of_sender("Telia Info"), "telia\\20info");
  EXPECT_EQ(local_of_sender("  A&B  "), "a\\26b");
  EXPECT_EQ(local_of_sender(""), "unknown");
  EXPECT_EQ(local_of_sender("   "), "unknown");
}

TEST(SenderAddress, IsALocalPartWhateverTheSenderIs) {
  random_source random(9);
  for (int round = 0; round < 5'000; ++round) {
    std::string sender;
    for (auto n = random.below(round % 100 == 0 ? 3'000 : 12); n > 0; --n)
      sender += static_cast<char>(random.below(256));
    const auto local = local_of_sender(sender);
    ASSERT_FALSE(local.empty());
    ASSERT_TRUE(jid::make(local, "sms.localhost")) << local;
    ASSERT_TRUE(is_xml_text(local)) << local;
  }
}

TEST(NumberOfLocal, ReadsWhatPeopleType) {
  const number_rules norway{.country_code = "47", .trunk_prefix = ""};
  const number_rules germany{.country_code = "49"};
  EXPECT_EQ(*number_of_local("+1\\20(555)\\20010-0199"), "+15550100199");
  EXPECT_EQ(*number_of_local("001.555.0100199"), "+15550100199");
  EXPECT_EQ(*number_of_local("0171\\2f2345678", germany), "+491712345678");
  EXPECT_EQ(*number_of_local("912345678", norway), "+47912345678");
  EXPECT_EQ(*number_of_local("1881", norway), "1881");
  EXPECT_EQ(*number_of_local("*100#"), "*100#");
}

TEST(NumberOfLocal, RefusesTheRest) {
  for (const auto* bad : {"", "+", "+0123456", "+12345", "+1234567890123456", "alice", "1a2", "1", "+1;5550100",
                          "0171234567", "+15550100\xD9\xA1", "123456789"})
    EXPECT_FALSE(number_of_local(bad)) << bad;
  EXPECT_FALSE(number_of_local("112", {.short_code_digits_max = 0}));
  EXPECT_EQ(number_of_local("x").error().code, errc::number_invalid);
}
