#include "msgkit/mm4/profile.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4 {
namespace {

forward_req sample() {
  forward_req m;
  m.transaction_id = "t";
  m.from = *parse_address("+12025550100");
  m.to = *parse_address_list("+12025550101, user@x.example");
  m.cc = *parse_address_list("+12025550102, +12025550101");
  return m;
}

TEST(Mm4Profile, EnvelopeOfAForward) {
  const peer_profile p{.domain = "own.example", .peer_domain = "peer.example"};
  const auto e = make_envelope(sample(), p);
  EXPECT_EQ(e.mail_from, "+12025550100/TYPE=PLMN@own.example");
  EXPECT_EQ(e.rcpt_to, (std::vector<std::string>{"+12025550101/TYPE=PLMN@peer.example", "user@x.example", "+12025550102/TYPE=PLMN@peer.example"}));
}

TEST(Mm4Profile, AHubTakesEverythingInOneMailbox) {
  const peer_profile p{.domain = "own.example", .fixed_recipient = "mm4@hub.example"};
  EXPECT_EQ(make_envelope(sample(), p).rcpt_to, std::vector<std::string>{"mm4@hub.example"});
}

TEST(Mm4Profile, ANameCannotBeTheSenderOfAMail) {
  auto m = sample();
  m.from = *parse_address("MyBank");
  EXPECT_EQ(make_envelope(m, {.domain = "own.example", .envelope_style = address_style::bare}).mail_from, "system-user@own.example");
}

TEST(Mm4Profile, OneMailPerRecipientWithATransactionOfItsOwn) {
  const peer_profile p{.domain = "own.example", .peer_domain = "peer.example"};
  const auto mails = address_mails(sample(), p);
  ASSERT_EQ(mails.size(), 3u);
  EXPECT_EQ(mails[0].request.transaction_id, "t-1");
  EXPECT_EQ(mails[2].request.transaction_id, "t-3");
  EXPECT_EQ(mails[1].envelope.rcpt_to, std::vector<std::string>{"user@x.example"});
  EXPECT_EQ(mails[1].request.to.size(), 2u);
  auto together = p;
  together.one_recipient_per_mail = false;
  EXPECT_EQ(address_mails(sample(), together).size(), 1u);
}

TEST(Mm4Profile, PrefixRules) {
  auto a = *parse_address("0701234567");
  apply({{"00", "+"}, {"0", "+46"}}, a);
  EXPECT_EQ(a.value, "+46701234567");
  auto mail = *parse_address("0@x.example");
  mail.kind = address_kind::email;
  apply({{"0", "+46"}}, mail);
  EXPECT_EQ(mail.value, "0");
}

}  // namespace
}  // namespace msgkit::mm4
