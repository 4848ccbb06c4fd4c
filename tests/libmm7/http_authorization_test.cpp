#include "msgkit/mm7/http_authorization.hpp"

#include <gtest/gtest.h>

#include "msgkit/mm7/errc.hpp"

using namespace msgkit;

TEST(HttpAuthorization, ReadsSeveralChallengesInOneValue) {
  const auto all = mm7::parse_http_authorization(
      R"(Digest realm="a, b", nonce="n\"1", qop="auth,auth-int", stale=TRUE, Basic realm="x", Negotiate, Bearer abc==)");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 4u);
  EXPECT_TRUE((*all)[0].is("digest"));
  EXPECT_EQ((*all)[0].get("realm"), "a, b");
  EXPECT_EQ((*all)[0].get("nonce"), "n\"1");
  EXPECT_EQ((*all)[0].get("stale"), "TRUE");
  EXPECT_EQ((*all)[1].get("realm"), "x");
  EXPECT_TRUE((*all)[2].is("Negotiate"));
  EXPECT_EQ((*all)[3].token, "abc==");
}

TEST(HttpAuthorization, RefusesWhatIsNotTheGrammar) {
  for (const std::string_view bad : {"", ",", "=x", "Digest realm=\"open", "Digest a=1, a=2", "Digest a=\"x\\", "Digest a=\"\x01\"", "Basic \"x\"",
                                     "Digest a=1 b=2"})
    EXPECT_FALSE(mm7::parse_http_authorization(bad)) << bad;
  EXPECT_FALSE(mm7::parse_http_authorization(std::string(9'000, 'a')));
}

TEST(HttpAuthorization, EveryPrefixIsAValueOrAnError) {
  const std::string whole = R"(Digest username="u", realm="r", nonce="n", uri="/", nc=00000001, Basic dTpw)";
  for (std::size_t i = 0; i <= whole.size(); ++i) (void)mm7::parse_http_authorization(whole.substr(0, i));
}

TEST(BasicAuthorization, CarriesColonsInPasswordsAndUtf8) {
  const auto value = mm7::basic_authorization({"test", "123\xC2\xA3:x"});
  ASSERT_TRUE(value);
  const auto parsed = mm7::parse_http_authorization(*value);
  ASSERT_TRUE(parsed);
  const auto back = mm7::parse_basic_authorization(parsed->front());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->user, "test");
  EXPECT_EQ(back->password, "123\xC2\xA3:x");
  // RFC 7617 section 2.1
  EXPECT_EQ(*mm7::basic_authorization({"test", "123\xC2\xA3"}), "Basic dGVzdDoxMjPCow==");
  EXPECT_FALSE(mm7::basic_authorization({"a:b", "x"}));
  EXPECT_FALSE(mm7::basic_authorization({"a", "x\r\nEvil: 1"}));
}
