// Mails as real systems write them.
#include <gtest/gtest.h>

#include "mails.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/exchange.hpp"

namespace msgkit::mm4 {
namespace {

using namespace std::chrono_literals;

struct read {
  std::string kept;
  result<decoded> mail;
  explicit read(const std::string& name, const peer_profile& p = {}) : kept(test::read_mail(name)), mail(decode(as_bytes(kept), p)) {}
  template <class M>
  const M& as() const { return std::get<M>(mail->message); }
};
constexpr wall_time at_noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 12h};

TEST(Mm4Vectors, V1ForwardWithQuotedIdsFoldedBoundaryAndRelativeExpiry) {
  const read v("v01_forward_quoted_ids");
  ASSERT_TRUE(v.mail) << v.mail.error().code.message();
  const auto& m = v.as<forward_req>();
  EXPECT_EQ(m.version, "5.5.0");
  EXPECT_EQ(m.transaction_id, "4800001000020000300004@mms.playmobile.pl");
  EXPECT_EQ(m.message_id, "g2q000011a2bx151@w.mms.playmobile.pl");
  EXPECT_EQ(m.subject, "test");
  EXPECT_EQ(m.from->value, "+48790000001");
  EXPECT_TRUE(m.from->typed);
  EXPECT_EQ(m.expiry, expiry{600s});
  EXPECT_EQ(m.ack_request, true);
  EXPECT_EQ(m.originator_rs_delivery_report, false);
  EXPECT_EQ(m.message_class, message_class::personal);
  EXPECT_EQ(m.sender_visibility, sender_visibility::show);
  EXPECT_EQ(format_date(*m.date), "Wed, 02 Dec 2009 14:53:40 +0000");
  ASSERT_NE(v.mail->document.presentation(), nullptr);
  EXPECT_EQ(v.mail->document.presentation()->id, "AAAA");
  EXPECT_EQ(v.mail->document.leaves().front()->id, "AAAA");
  EXPECT_EQ(v.mail->document.resolve("t.txt")->id, "text1");
  EXPECT_EQ(response_mailbox(v.mail->message, {}), "PostMaster@mms.mnc006.mcc260.gprs");
}

TEST(Mm4Vectors, V2TheAnswerToV1) {
  const read v("v01_forward_quoted_ids");
  peer_profile p{.version = "6.3.0", .domain = "mms.example.net"};
  const auto response = make_response(v.mail->message, response_mailbox(v.mail->message, p), request_status::ok, p, at_noon);
  ASSERT_TRUE(response);
  const auto mail = encode(*response, p);
  ASSERT_TRUE(mail) << mail.error().code.message() << mail.error().field;
  EXPECT_EQ(test::header_of(*mail, "X-Mms-3GPP-MMS-Version"), "6.3.0");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Message-Type"), "MM4_forward.RES");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Transaction-ID"), "\"4800001000020000300004@mms.playmobile.pl\"");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Message-ID"), "\"g2q000011a2bx151@w.mms.playmobile.pl\"");
  EXPECT_EQ(test::header_of(*mail, "X-Mms-Request-Status-Code"), "Ok");
  EXPECT_EQ(test::header_of(*mail, "Sender"), "system-user@mms.example.net");
  EXPECT_EQ(test::header_of(*mail, "From"), "system-user@mms.example.net");
  EXPECT_EQ(test::header_of(*mail, "To"), "PostMaster@mms.mnc006.mcc260.gprs");
  EXPECT_EQ(test::header_of(*mail, "Date"), "Sat, 21 Nov 2026 12:00:00 +0000");
  EXPECT_TRUE(as_text(*mail).ends_with("\r\n\r\nOK\r\n"));
  const auto envelope = make_envelope(*response, p);
  EXPECT_EQ(envelope.mail_from, "system-user@mms.example.net");
  EXPECT_EQ(envelope.rcpt_to, std::vector<std::string>{"PostMaster@mms.mnc006.mcc260.gprs"});
}

TEST(Mm4Vectors, V3HubStyle) {
  const read v("v03_forward_hub");
  ASSERT_TRUE(v.mail) << v.mail.error().code.message() << v.mail.error().field;
  const auto& m = v.as<forward_req>();
  EXPECT_EQ(m.version, "6.10.0");
  EXPECT_EQ(m.message_id, "15000000000001500000000000");
  EXPECT_EQ(m.to.front().domain, "mm4.inphomatch.com");
  EXPECT_EQ(format_date(*m.date), "Thu, 05 Jan 2017 10:00:00 +0000");
  EXPECT_EQ(v.mail->document.presentation()->id, "smil.smil");
  EXPECT_EQ(decode(v.mail->document.parts[2], 10'000)->size(), 6000u);
  EXPECT_EQ(response_mailbox(v.mail->message, {}), "+14155550100@company.example");
}

TEST(Mm4Vectors, V5BareNumbersAndAnOriginatorSystemThatIsNoMailbox) {
  const read v("v05_forward_bare_numbers");
  ASSERT_TRUE(v.mail) << v.mail.error().code.message();
  const auto& m = v.as<forward_req>();
  EXPECT_EQ(m.from->value, "+12025550100");
  EXPECT_EQ(m.delivery_report, true);
  EXPECT_TRUE(std::holds_alternative<wall_time>(*m.expiry));
  ASSERT_EQ(v.mail->document.leaves().size(), 1u);
  EXPECT_EQ(mime::decode_text(*v.mail->document.leaves()[0], 10).value_or(""), "hello");
  EXPECT_TRUE(v.mail->document.has(mime::diagnostic::bare_newline));
  exchange x;
  const auto r = x.receive("peer", v.mail->message, {}, {}, time_point{});
  EXPECT_TRUE(r.wants_response);
  EXPECT_EQ(r.respond_to, "");
  EXPECT_EQ(r.refused, errc::cannot_correlate);
  EXPECT_EQ(response_mailbox(v.mail->message, {.peer_system_address = "mms@peer.example"}), "mms@peer.example");
}

TEST(Mm4Vectors, V6ReportWithAliasAndAHostForTheRecipient) {
  const read v("v06_delivery_report_aliases");
  ASSERT_TRUE(v.mail) << v.mail.error().code.message();
  EXPECT_EQ(v.as<delivery_report_req>().status, mm_status::retrieved);
  EXPECT_EQ(v.as<delivery_report_req>().from->kind, address_kind::host);
  EXPECT_TRUE(v.mail->has(diagnostic_kind::alias_used));
}

TEST(Mm4Vectors, V7CanonicalReport) {
  const read v("v07_delivery_report", {.strict = true});
  ASSERT_TRUE(v.mail) << v.mail.error().code.message() << v.mail.error().field;
  const auto& m = v.as<delivery_report_req>();
  EXPECT_EQ(m.status, mm_status::rejected);
  EXPECT_TRUE(is_final(m.status));
  EXPECT_EQ(m.status_extension, status_extension::rejection_by_recipient);
  EXPECT_EQ(m.forward_to_originator_ua, true);
  EXPECT_EQ(m.message_id, "msg-1@mms.example.org");
  EXPECT_EQ(make_response(v.mail->message, "a@b", request_status::ok, {}, at_noon), std::nullopt);
}

TEST(Mm4Vectors, V9ReadReplies) {
  EXPECT_EQ(read("v09_read_reply_deleted").as<read_reply_report_req>().status, read_status::deleted);
  EXPECT_EQ(read("v09_read_reply_alias").as<read_reply_report_req>().status, read_status::read);
}

TEST(Mm4Vectors, V10ReportWithoutBodyOrEmptyLine) {
  const read v("v10_delivery_report_no_body");
  ASSERT_TRUE(v.mail) << v.mail.error().code.message() << v.mail.error().field;
  EXPECT_EQ(v.as<delivery_report_req>().status, mm_status::expired);
  EXPECT_EQ(format_date(*v.as<delivery_report_req>().date), "Sat, 21 Nov 2026 00:00:00 +0000");
}

TEST(Mm4Vectors, V11TheTesterIsTakenTolerantlyAndRefusedStrictly) {
  const read v("v11_tester");
  ASSERT_TRUE(v.mail) << v.mail.error().code.message();
  EXPECT_EQ(v.as<forward_req>().version, "1.0");
  EXPECT_EQ(v.as<forward_req>().from->kind, address_kind::email);
  EXPECT_EQ(v.mail->document.leaves().size(), 2u);
  EXPECT_EQ(read("v11_tester_response").as<forward_res>().status, request_status::ok);
  const read strict("v11_tester_response", {.strict = true});
  ASSERT_FALSE(strict.mail);
  EXPECT_EQ(status_for(strict.mail.error()), request_status::message_format_corrupt);
}

// Every prefix and every changed octet of every vector is a message or an error, and the views stay inside.
TEST(Mm4Vectors, EveryPrefixAndEveryChangedOctetIsAValueOrAnError) {
  for (const auto& name : test::all_mails()) {
    const auto mail = test::read_mail(name);
    const auto step = std::max<std::size_t>(1, mail.size() / 300);
    for (std::size_t i = 0; i < mail.size(); i += step) {
      const byte_vector prefix(mail.begin(), mail.begin() + static_cast<std::ptrdiff_t>(i));
      const auto cut = decode(prefix);
      if (cut) {
        for (const auto* p : cut->document.leaves()) (void)mime::decode_text(*p, 100'000);
      }
      for (const int flip : {0xFF, 0x20, 0x07}) {
        byte_vector changed(mail.begin(), mail.end());
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
        const auto other = decode(changed);
        if (!other) {
          EXPECT_NE(other.error().code.value(), 0);
          continue;
        }
        for (const auto* p : other->document.leaves()) (void)mime::decode_text(*p, 100'000);
      }
    }
  }
}

}  // namespace
}  // namespace msgkit::mm4
