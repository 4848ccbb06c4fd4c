#include "msgkit/mm4/smtp/command.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/transfer_encoding.hpp"

namespace msgkit::mm4::smtp {
namespace {

TEST(SmtpCommand, ReadsVerbsInAnyCase) {
  EXPECT_EQ(parse_command("ehlo mx.example ").verb, verb::ehlo);
  EXPECT_EQ(parse_command("ehlo mx.example ").argument, "mx.example");
  EXPECT_EQ(parse_command("DATAX").verb, verb::unknown);
  EXPECT_EQ(parse_command("").verb, verb::unknown);
}

// Case 28
TEST(SmtpCommand, ReadsPathsAsTheyComeAndRefusesTheRest) {
  const auto path = [](std::string_view text) -> std::string {
    const auto p = parse_path(text, "FROM");
    return p ? std::string(p->mailbox) : "refused";
  };
  EXPECT_EQ(path("FROM:<+12025550100/TYPE=PLMN@a.example>"), "+12025550100/TYPE=PLMN@a.example");
  EXPECT_EQ(path("from: <a@b>"), "a@b");
  EXPECT_EQ(path("FROM:+12025550100"), "+12025550100");
  EXPECT_EQ(path("FROM:<>"), "");
  EXPECT_EQ(path("FROM:<@r1,@r2:a@b>"), "a@b");
  EXPECT_EQ(path("FROM:<10.0.0.1/TYPE=IPv4@b>"), "10.0.0.1/TYPE=IPv4@b");
  for (const std::string text : {"FROM:<a@b", "FROM:<a@b>x", "FROM:", "TO:<a@b>", "FROM:<a b@c>", "FROM:<\xC3\xBC@b>", "FROM:<a\x01@b>", "FROM <a@b>"})
    EXPECT_EQ(path(text), "refused") << text;
  EXPECT_EQ(path("FROM:<" + std::string(300, 'a') + "@b>"), "refused");
}

TEST(SmtpCommand, ReadsParameters) {
  const auto p = parse_path("FROM:<a@b> SIZE=1000 BODY=8BITMIME X", "FROM");
  ASSERT_TRUE(p);
  ASSERT_EQ(p->parameters.size(), 3u);
  EXPECT_EQ(p->parameters[0].name, "SIZE");
  EXPECT_EQ(p->parameters[0].value, "1000");
  EXPECT_EQ(p->parameters[2].value, "");
}

TEST(SmtpCommand, ReadsPlainCredentials) {
  using namespace std::string_literals;
  const auto c = parse_plain(mime::encode_base64(as_bytes("who\0user\0pass"s), 0));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->user, "user");
  EXPECT_EQ(c->password, "pass");
  EXPECT_FALSE(parse_plain("!!!"));
  EXPECT_FALSE(parse_plain(mime::encode_base64(as_bytes("user\0pass"s), 0)));
}

}  // namespace
}  // namespace msgkit::mm4::smtp
