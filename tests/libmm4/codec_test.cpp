#include "msgkit/mm4/codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "mails.hpp"

namespace msgkit::mm4 {
namespace {

using namespace std::chrono_literals;
constexpr wall_time at_noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 12h};

const std::string forward_head =
    "From: +12025550100/TYPE=PLMN\r\nTo: +12025550101/TYPE=PLMN\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
    "X-Mms-3GPP-MMS-Version: 6.10.0\r\n";
const std::string ids = "X-Mms-Transaction-ID: \"t\"\r\nX-Mms-Message-ID: \"m\"\r\n";
const std::string type = "X-Mms-Message-Type: MM4_forward.REQ\r\n";

result<decoded> read(const std::string& text, const peer_profile& p = {}) { return decode(as_bytes(text), p); }

forward_req sample() {
  forward_req m;
  m.transaction_id = "t-1";
  m.message_id = "m-1@mms.example";
  m.from = *parse_address("+12025550100/TYPE=PLMN");
  m.to = *parse_address_list("+12025550101/TYPE=PLMN");
  m.date = at_noon;
  return m;
}

// V13
TEST(Mm4Decode, WithoutATypeItIsAnErrorOrAForwardAsConfigured) {
  EXPECT_EQ(read(forward_head + ids + "\r\n").error().code, errc::message_type_missing);
  const auto m = read(forward_head + ids + "\r\n", {.assume_forward = true});
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->has(diagnostic_kind::type_assumed));
}

// V14
TEST(Mm4Decode, WithoutATransactionIdItSaysSo) {
  const auto m = read(forward_head + type + "X-Mms-Message-ID: m\r\nX-Mms-Ack-Request: Yes\r\n\r\n");
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->has(diagnostic_kind::transaction_id_missing));
  EXPECT_EQ(read(forward_head + type + "X-Mms-Message-ID: m\r\n\r\n", {.strict = true}).error().code, errc::header_missing);
}

TEST(Mm4Decode, FallsBackToTheMailsOwnMessageId) {
  const auto m = read(forward_head + type + "Message-ID: <a@b>\r\nX-Mms-Transaction-ID: t\r\n\r\n");
  ASSERT_TRUE(m);
  EXPECT_EQ(common_of(m->message).message_id, "a@b");
  EXPECT_TRUE(m->has(diagnostic_kind::message_id_assumed));
}

// Case 27
TEST(Mm4Decode, MissingHeadersAndOddVersionsAreAnswerable) {
  EXPECT_EQ(status_for(read(type + ids + "To: +1202\r\n\r\n").error()), request_status::message_format_corrupt);
  EXPECT_EQ(status_for(read(type + ids + "From: +12025550100\r\n\r\n").error()), request_status::message_format_corrupt);
  EXPECT_EQ(status_for(read("X-Mms-Message-Type: MM4_other.REQ\r\n\r\n").error()), request_status::unsupported_message);
  EXPECT_TRUE(read(type + ids + "From: +12025550100\r\nTo: +12025550101\r\nX-Mms-3GPP-MMS-Version: 9.9.9\r\n\r\n"));
  EXPECT_TRUE(read(type + ids + "From: +12025550100\r\nTo: +12025550101\r\nX-Mms-3GPP-MMS-Version: what\r\n\r\n")->has(diagnostic_kind::version_unknown));
  const auto strict = read(type + ids + "From: +12025550100\r\nTo: +12025550101\r\n\r\n", {.strict = true});
  EXPECT_EQ(status_for(strict.error()), request_status::unsupported_message);
}

TEST(Mm4Decode, AliasesStandInForMissingHeadersOnly) {
  const auto m = read(type + ids + "X-Mms-Sender-Address: +12025550100\r\nX-Mms-Rcpt-To: +12025550101\r\nX-Mms-Read-Report: Yes\r\n\r\n");
  ASSERT_TRUE(m) << m.error().field;
  const auto& f = std::get<forward_req>(m->message);
  EXPECT_EQ(f.from->value, "+12025550100");
  EXPECT_EQ(f.to.front().value, "+12025550101");
  EXPECT_EQ(f.read_reply, true);
  EXPECT_TRUE(f.unknown.empty());
}

TEST(Mm4Decode, KeepsUnknownHeadersAndWritesThemAgain) {
  const auto m = read(forward_head + type + ids + "X-Mms-Vendor-Thing: some value\r\n\r\n");
  ASSERT_TRUE(m);
  ASSERT_EQ(std::get<forward_req>(m->message).unknown.size(), 1u);
  EXPECT_EQ(test::header_of(*encode(m->message, {}), "x-mms-vendor-thing"), "some value");
}

TEST(Mm4Decode, UnreadableOptionalValuesAreNotedAndRefusedStrictly) {
  const auto text = forward_head + type + ids + "X-Mms-Priority: urgent\r\nX-Mms-Expiry: soon\r\nX-Mms-Ack-Request: maybe\r\n\r\n";
  const auto m = read(text);
  ASSERT_TRUE(m);
  EXPECT_EQ(std::ranges::count(m->diagnostics, diagnostic_kind::value_unreadable, &diagnostic::kind), 3);
  EXPECT_EQ(read(text, {.strict = true}).error().code, errc::header_invalid);
}

TEST(Mm4Decode, TheFirstOfRepeatedHeadersCounts) {
  const auto m = read(forward_head + type + ids + "X-Mms-Transaction-ID: \"other\"\r\nX-Mms-Previously-sent-by: 1, a@b\r\nX-Mms-Previously-sent-by: 2, c@d\r\n\r\n");
  ASSERT_TRUE(m);
  EXPECT_EQ(common_of(m->message).transaction_id, "t");
  EXPECT_TRUE(m->has(diagnostic_kind::duplicate_header));
  EXPECT_EQ(std::get<forward_req>(m->message).previously_sent_by.size(), 2u);
}

TEST(Mm4Decode, NeverDropsARecipientSilently) {
  const auto m = read(type + ids + "From: +12025550100\r\nTo: +12025550101, \xFF\xFE\x01\r\n\r\n");
  ASSERT_FALSE(m);
  EXPECT_EQ(status_for(m.error()), request_status::sending_address_unresolved);
}

// V18 and case 26: what came in an encoded word cannot become a header.
TEST(Mm4Encode, AnInjectedSubjectGoesOutHarmless) {
  const auto m = read(forward_head + type + ids + "Subject: =?utf-8?Q?a=0D=0ABcc:_x?=\r\n\r\n");
  ASSERT_TRUE(m);
  const auto mail = encode(m->message, {});
  ASSERT_TRUE(mail);
  EXPECT_EQ(test::header_of(*mail, "Bcc"), "-");
  EXPECT_EQ(std::get<forward_req>(decode(*mail)->message).subject, "a  Bcc: x");
}

TEST(Mm4Encode, RefusesEveryControlCharacterInEveryTextOfAUser) {
  for (int c = 0; c < 256; ++c) {
    const std::string bad = "a" + std::string(1, static_cast<char>(c)) + "Bcc:evil@example.org";
    for (int which = 0; which < 8; ++which) {
      auto m = sample();
      switch (which) {
        case 0: m.subject = bad; break;
        case 1: m.transaction_id = bad; break;
        case 2: m.from->value = bad; break;
        case 3: m.to.front().value = bad; break;
        case 4: m.sender = bad; break;
        case 5: m.unknown = {{"X-Mms-Thing", bad}}; break;
        case 6: m.aux_applic_info = bad; break;
        case 7: m.unknown = {{bad, "x"}}; break;
      }
      const auto mail = encode(m, {});
      const bool control = (c < 32 && c != '\t') || c == 127;
      if (control) {
        EXPECT_FALSE(mail) << which << ' ' << c;
      }
      if (mail) {
        EXPECT_EQ(test::header_of(*mail, "Bcc"), "-") << which << ' ' << c;
      }
    }
  }
}

TEST(Mm4Encode, NamesWhatIsMissing) {
  auto m = sample();
  m.to.clear();
  EXPECT_EQ(encode(m, {}).error().field, "To");
  m = sample();
  m.message_id.clear();
  EXPECT_EQ(encode(m, {}).error(), (fault{make_error_code(errc::value_missing), "X-Mms-Message-ID", 0}));
  m = sample();
  m.from.reset();
  EXPECT_EQ(encode(m, {}).error().field, "From");
}

TEST(Mm4Encode, FollowsTheProfileOfThePeer) {
  auto m = sample();
  m.expiry = at_noon + 3600s;
  m.ack_request = true;
  m.to = *parse_address_list("0012025550101");
  const peer_profile p{.version = "5.5.0", .domain = "mms.own.example", .expiry_style = expiry_style::seconds, .quote_ids = false,
                       .header_names = {{"X-Mms-Read-Reply", "X-Mms-Read-Report"}}, .outgoing_numbers = {{"00", "+"}}};
  m.read_reply = true;
  const auto mail = encode(m, p);
  ASSERT_TRUE(mail);
  EXPECT_EQ(test::header_of(*mail, "X-Mms-3GPP-MMS-Version"), "5.5.0");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Transaction-ID"), "t-1");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Expiry"), "3600");
  EXPECT_EQ(test::header_of(*mail, "To"), "+12025550101/TYPE=PLMN");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Read-Report"), "Yes");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Originator-System"), "system-user@mms.own.example");
  EXPECT_EQ(test::header_of(*encode(m, {}), "X-Mms-Expiry"), "Sat, 21 Nov 2026 13:00:00 +0000");
}

TEST(Mm4Encode, CarriesContentBothWays) {
  std::string picture;
  for (int i = 0; i < 3000; ++i) picture += static_cast<char>(i);
  std::vector<mime::out_part> parts;
  parts.push_back({.type = mime::parse_media_type("image/jpeg"), .name = "a.jpg", .content = as_bytes(picture)});
  parts.push_back({.type = mime::parse_media_type("text/plain; charset=utf-8"), .content = as_bytes("gr\xC3\xBC\xC3\x9F" "e")});
  const content c(std::move(parts));
  const auto mail = encode(sample(), {}, &c);
  ASSERT_TRUE(mail) << mail.error().code.message();
  const auto back = decode(*mail, {.strict = true});
  ASSERT_TRUE(back) << back.error().code.message();
  EXPECT_TRUE(back->diagnostics.empty());
  EXPECT_TRUE(back->document.diagnostics.empty());
  const auto leaves = back->document.leaves();
  ASSERT_EQ(leaves.size(), 3u);
  EXPECT_TRUE(leaves[0]->is_smil());
  EXPECT_EQ(as_text(*mime::decode(*leaves[1], 10'000)), picture);
  EXPECT_EQ(back->document.resolve("cid:" + leaves[2]->id), leaves[2]);
}

TEST(Mm4Describe, PrintsWhatIsSet) {
  auto m = sample();
  m.priority = priority::high;
  const auto text = describe(m);
  EXPECT_NE(text.find("X-Mms-Message-Type: MM4_forward.REQ\n"), std::string::npos);
  EXPECT_NE(text.find("X-Mms-Priority: High\n"), std::string::npos);
  EXPECT_NE(describe(forward_req{}).find("MM4_forward.REQ"), std::string::npos);
}

}  // namespace
}  // namespace msgkit::mm4
