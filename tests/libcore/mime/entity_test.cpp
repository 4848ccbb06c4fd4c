#include "msgkit/core/mime/entity.hpp"

#include <gtest/gtest.h>

namespace msgkit::mime {
namespace {

using namespace std::string_literals;

// Views of the result point into `kept`.
struct parsed {
  std::string kept;
  result<document> doc;
  explicit parsed(std::string text, const limits& l = {}) : kept(std::move(text)), doc(parse(as_bytes(kept), l)) {}
};

std::string multipart(const std::string& body, const std::string& boundary = "B") {
  return "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n" + body;
}
std::string body_of(const parsed& p, std::size_t part) { return std::string(as_text(p.doc->parts.at(part).body)); }

TEST(MimeEntity, ReadsASinglePart) {
  const parsed p("Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n");
  ASSERT_TRUE(p.doc);
  ASSERT_EQ(p.doc->parts.size(), 1u);
  EXPECT_EQ(decode_text(p.doc->message(), 100).value_or("?"), "hello\r\n");
}

TEST(MimeEntity, ReadsPartsAsViews) {
  const parsed p(multipart("preamble\r\n--B\r\nContent-Type: text/plain\r\n\r\none\r\n--B\r\nContent-ID: <x>\r\n"
                           "Content-Type: image/gif; name=\"../a/b.gif\"\r\nContent-Transfer-Encoding: BASE64\r\n\r\nR0lG\r\n--B--\r\nepilogue"));
  ASSERT_TRUE(p.doc);
  ASSERT_EQ(p.doc->parts.size(), 3u);
  EXPECT_EQ(body_of(p, 1), "one");
  EXPECT_EQ(p.doc->parts[2].id, "x");
  EXPECT_EQ(p.doc->parts[2].name, "b.gif");
  EXPECT_EQ(as_text(*decode(p.doc->parts[2], 100)), "GIF");
  EXPECT_EQ(p.doc->leaves().size(), 2u);
}

// ---- what mimetic does otherwise on bodies in memory

TEST(MimeTraps, ADelimiterInTheMiddleOfALineIsText) {
  const parsed p(multipart("--B\r\n\r\nabc--B\r\ndef\r\n--B--\r\n"));
  ASSERT_TRUE(p.doc);
  ASSERT_EQ(p.doc->parts.size(), 2u);
  EXPECT_EQ(body_of(p, 1), "abc--B\r\ndef");
}
TEST(MimeTraps, BlanksBehindADelimiterAreIgnored) {
  const parsed p(multipart("--B \t\r\nContent-ID: a\r\n\r\none\r\n--B  \r\nContent-ID: b\r\n\r\ntwo\r\n--B-- \r\n"));
  ASSERT_TRUE(p.doc);
  ASSERT_EQ(p.doc->parts.size(), 3u);
  EXPECT_EQ(p.doc->parts[1].id, "a");
  EXPECT_EQ(body_of(p, 2), "two");
}
TEST(MimeTraps, ALongerWordIsNoDelimiter) {
  const parsed p(multipart("--B\r\n\r\none\r\n--BX\r\ntwo\r\n--B--\r\n"));
  ASSERT_EQ(p.doc->parts.size(), 2u);
  EXPECT_EQ(body_of(p, 1), "one\r\n--BX\r\ntwo");
}
TEST(MimeTraps, ABoundaryMayHoldASemicolon) {
  const parsed p(multipart("--a;b -\r\n\r\none-\r\n-\r\n--a;b\r\n--a;b ---\r\n", "a;b -"));
  ASSERT_TRUE(p.doc);
  ASSERT_EQ(p.doc->parts.size(), 2u);
  EXPECT_EQ(body_of(p, 1), "one-\r\n-\r\n--a;b");
}
TEST(MimeTraps, BoundariesThatBeginAlikeNest) {
  for (const auto& [outer, inner] : {std::pair{"B"s, "BC"s}, std::pair{"BC"s, "B"s}}) {
    const parsed p(multipart("--" + outer + "\r\n" + multipart("--" + inner + "\r\n\r\nx\r\n--" + inner + "--\r\n", inner) +
                             "\r\n--" + outer + "\r\n\r\ny\r\n--" + outer + "--\r\n", outer));
    ASSERT_TRUE(p.doc) << outer;
    ASSERT_EQ(p.doc->parts.size(), 4u) << outer;
    EXPECT_EQ(p.doc->parts[2].depth, 2u);
    EXPECT_EQ(body_of(p, 2), "x");
    EXPECT_EQ(body_of(p, 3), "y");
  }
}
// V17
TEST(MimeTraps, WithoutACloseDelimiterTheLastPartRunsToTheEnd) {
  const parsed p(multipart("--B\r\n\r\none\r\n--B\r\n\r\ntwo"));
  ASSERT_EQ(p.doc->parts.size(), 3u);
  EXPECT_EQ(body_of(p, 2), "two");
  EXPECT_TRUE(p.doc->has(diagnostic::missing_close_delimiter));
}
TEST(MimeTraps, LineEndsMayBeLfOrMixed) {
  for (const std::string text : {"Content-Type: multipart/mixed; boundary=B\n\n--B\n\none\n--B\n\ntwo\n--B--\n",
                                 "Content-Type: multipart/mixed; boundary=B\r\n\n--B\r\n\none\n--B\n\r\ntwo\r\n--B--"}) {
    const parsed p(text);
    ASSERT_TRUE(p.doc);
    ASSERT_EQ(p.doc->parts.size(), 3u);
    EXPECT_EQ(body_of(p, 1), "one");
    EXPECT_EQ(body_of(p, 2), "two");
  }
}
// V15
TEST(MimeTraps, WithoutABoundaryNothingIsSplit) {
  EXPECT_EQ(parsed("Content-Type: multipart/mixed\r\n\r\n--\r\n\r\na\r\n--\r\n").doc.error().code, errc::boundary_missing);
  EXPECT_EQ(parsed(multipart("x", "")).doc.error().code, errc::boundary_missing);
  EXPECT_EQ(parsed(multipart("x", std::string(71, 'b'))).doc.error().code, errc::boundary_missing);
  EXPECT_TRUE(parsed(multipart("--" + std::string(70, 'b') + "\r\n\r\nx", std::string(70, 'b'))).doc);
  EXPECT_EQ(parsed(multipart("no delimiter")).doc.error().code, errc::no_parts);
  EXPECT_EQ(parsed(multipart("--B--\r\n")).doc.error().code, errc::no_parts);
}
TEST(MimeTraps, BinaryPartsKeepEveryOctet) {
  std::string octets;
  for (int i = 0; i < 70'000; ++i) octets += static_cast<char>(i * 7 + i / 256);
  const parsed p(multipart("--B\r\nContent-Type: image/jpeg\r\n\r\n" + octets + "\r\n--B--\r\n"));
  ASSERT_TRUE(p.doc);
  EXPECT_EQ(body_of(p, 1), octets);
  EXPECT_TRUE(p.doc->has(diagnostic::eight_bit_unlabelled));
  EXPECT_EQ(p.doc->parts[1].encoding, transfer_encoding::eight_bit);
}
TEST(MimeTraps, AMessageInsideAMessageIsALeaf) {
  std::string nested = "x";
  for (int i = 0; i < 1000; ++i) nested = "Content-Type: message/rfc822\r\n\r\n" + nested;
  const parsed p(nested);
  ASSERT_TRUE(p.doc);
  EXPECT_EQ(p.doc->parts.size(), 1u);
}
TEST(MimeTraps, APartWithoutAnEmptyLineKeepsItsBody) {
  const parsed p(multipart("--B\r\nContent-Type: application/smil\r\n<smil/>\r\n--B--\r\n"));
  ASSERT_TRUE(p.doc);
  EXPECT_EQ(body_of(p, 1), "<smil/>");
  EXPECT_TRUE(p.doc->has(diagnostic::header_without_empty_line));
}

// ---- limits: case 24

TEST(MimeLimits, NestingPartsAndSize) {
  std::string nested = "Content-Type: text/plain\r\n\r\nx";
  for (int i = 0; i < 9; ++i) {
    const auto b = "b" + std::to_string(i);
    nested = multipart("--" + b + "\r\n" + nested + "\r\n--" + b + "--\r\n", b);
    EXPECT_EQ(parsed(nested).doc.has_value(), i < 8) << i;
  }
  EXPECT_EQ(parsed(nested).doc.error().code, errc::too_deep);
  std::string many;
  for (int i = 0; i < 256; ++i) many += "--B\r\n\r\nx\r\n";
  EXPECT_TRUE(parsed(multipart(many + "--B--")).doc);
  EXPECT_EQ(parsed(multipart(many + "--B\r\n\r\nx\r\n--B--")).doc.error().code, errc::too_many_parts);
  EXPECT_EQ(parsed("A: 1\r\n\r\n" + std::string(100, 'x'), {.message_bytes_max = 50}).doc.error().code, errc::message_too_long);
}

// The bombs that crash mimetic or take all memory are refused before it sees them.
TEST(MimeLimits, BombsAreCheap) {
  std::string deep;
  for (int i = 0; i < 60'000; ++i) deep += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\r\n\r\n--b" + std::to_string(i) + "\r\n";
  EXPECT_FALSE(parsed(deep).doc);
  std::string wide;
  for (int i = 0; i < 1'000'000; ++i) wide += "--B\r\n\r\n";
  EXPECT_EQ(parsed(multipart(wide)).doc.error().code, errc::too_many_parts);
}

// ---- references

TEST(MimeReferences, FindsPartsByLocationIdAndName) {
  const parsed p(multipart("--B\r\nContent-ID: \"<smil.smil>\"\r\nContent-Type: application/smil\r\n\r\ns\r\n"
                           "--B\r\nContent-ID: <A1>\r\nContent-Location: cat pic.gif\r\nContent-Type: image/gif\r\n\r\ng\r\n"
                           "--B\r\nContent-Disposition: attachment; filename=t.txt\r\n\r\nt\r\n--B--"));
  ASSERT_TRUE(p.doc);
  const auto* base = p.doc->parts.data();
  EXPECT_EQ(p.doc->resolve("cid:a1"), base + 2);
  EXPECT_EQ(p.doc->resolve("CID:%61%31"), base + 2);
  EXPECT_EQ(p.doc->resolve("cat%20pic.gif"), base + 2);
  EXPECT_EQ(p.doc->resolve("A1"), base + 2);
  EXPECT_EQ(p.doc->resolve("T.TXT"), base + 3);
  EXPECT_EQ(p.doc->resolve("../../etc/passwd"), nullptr);
  EXPECT_EQ(p.doc->resolve(""), nullptr);
  EXPECT_EQ(p.doc->presentation(), base + 1);
  EXPECT_EQ(p.doc->parts[1].id, "smil.smil");
}

TEST(MimeReferences, StartNamesThePresentationWhereverItStands) {
  const parsed p("Content-Type: multipart/related; type=\"text/xml\"; start=\"<mms.smil>\"; boundary=B\r\n\r\n"
                 "--B\r\nContent-Type: image/gif\r\n\r\ng\r\n--B\r\nContent-Type: text/xml\r\nContent-ID: <mms.smil>\r\n\r\ns\r\n--B--");
  ASSERT_TRUE(p.doc);
  ASSERT_NE(p.doc->presentation(), nullptr);
  EXPECT_EQ(p.doc->presentation()->id, "mms.smil");
  EXPECT_EQ(p.doc->leaves().front()->id, "mms.smil");
}

TEST(MimeReferences, FileNamesAreNeverPaths) {
  EXPECT_EQ(safe_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_file_name("C:\\a\\b.jpg"), "b.jpg");
  EXPECT_EQ(safe_file_name(".."), "");
  EXPECT_EQ(safe_file_name("a\r\nb"), "ab");
}

TEST(MimeEntity, ParsesABodyWhoseHeaderCameOtherwise) {
  field_list fields;
  fields.add("Content-Type", "multipart/mixed; boundary=B");
  const std::string body = "--B\r\n\r\nx\r\n--B--";
  const auto doc = parse_body(fields, as_bytes(body));
  ASSERT_TRUE(doc);
  EXPECT_EQ(doc->parts.size(), 2u);
}

TEST(MimeEntity, UnknownTransferEncodingIsAnError) {
  const parsed p("Content-Transfer-Encoding: x-rot13\r\n\r\nuryyb");
  EXPECT_EQ(decode(p.doc->message(), 100).error().code, errc::transfer_encoding_unknown);
  const parsed qp("Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db");
  EXPECT_EQ(as_text(*decode(qp.doc->message(), 100)), "a=b");
  EXPECT_EQ(decode(qp.doc->message(), 2).error().code, errc::part_too_long);
}

}  // namespace
}  // namespace msgkit::mime
