#include "msgkit/core/mime/transfer_encoding.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {
namespace {

std::string decoded(std::string_view text) {
  const auto octets = decode_base64(as_bytes(text), 1 << 20);
  return octets ? std::string(as_text(*octets)) : "error at " + std::to_string(octets.error().offset);
}

TEST(Base64, DecodesWithLineEndsAndWithoutPadding) {
  EXPECT_EQ(decoded("aGVs\r\nbG8="), "hello");
  EXPECT_EQ(decoded("aGVsbG8"), "hello");
  EXPECT_EQ(decoded("YQ=="), "a");
  EXPECT_EQ(decoded(" \r\n"), "");
  EXPECT_EQ(decoded(""), "");
}

// Case 25. mimetic decodes each of these to something.
TEST(Base64, RefusesGarbageWithItsOffset) {
  EXPECT_EQ(decoded("aGVs*G8="), "error at 4");
  EXPECT_EQ(decoded("YWI=YWI="), "error at 4");
  EXPECT_EQ(decoded("YWJj=ZGVm"), "error at 4");
  EXPECT_EQ(decoded("YQ==="), "error at 4");
  EXPECT_EQ(decoded("="), "error at 0");
  EXPECT_EQ(decoded("YWJjZ"), "error at 5");
  EXPECT_EQ(decoded("YW\x80="), "error at 2");
  EXPECT_EQ(decoded("Y=WJ"), "error at 1");
}

TEST(Base64, StopsAtItsLimit) {
  const std::string text(100'000, 'A');
  EXPECT_EQ(decode_base64(as_bytes(text), 1000).error().code, errc::part_too_long);
  EXPECT_TRUE(decode_base64(as_bytes(text), 75'000));
  std::size_t most = 0;
  EXPECT_TRUE(decode_base64(as_bytes(text), 75'000, [&most](bytes_view piece) {
    most = std::max(most, piece.size());
    return true;
  }));
  EXPECT_LE(most, 12u * 1024);
}

TEST(Base64, AMegabyteOfBlanksIsNothing) {
  const std::string text(1 << 20, ' ');
  EXPECT_EQ(decode_base64(as_bytes(text), 10)->size(), 0u);
}

TEST(Base64, RoundTripsEveryLength) {
  byte_vector octets;
  for (std::size_t size = 0; size < 300; ++size) {
    const auto text = encode_base64(octets);
    EXPECT_EQ(text.size(), base64_length(size)) << size;
    std::size_t line = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      line = text[i] == '\n' ? 0 : line + 1;
      EXPECT_LE(line, 77u);  // 76 and CR
      if (text[i] == '\n') {
        EXPECT_EQ(text[i - 1], '\r');
      }
    }
    EXPECT_EQ(*decode_base64(as_bytes(text), 1000), octets) << size;
    octets.push_back(static_cast<std::uint8_t>(size * 37));
  }
}

TEST(QuotedPrintable, DecodesEscapesAndSoftBreaks) {
  const auto qp = [](std::string_view t) { return std::string(as_text(decode_quoted_printable(as_bytes(t)))); };
  EXPECT_EQ(qp("a=3Db=\r\nc=\nd"), "a=bcd");
  EXPECT_EQ(qp("blank  \r\nx"), "blank\r\nx");
  EXPECT_EQ(qp("=ZZ and ="), "=ZZ and ");
  EXPECT_EQ(qp("=4"), "=4");
  EXPECT_EQ(qp("=c3=bc"), "\xC3\xBC");
}

TEST(TransferEncoding, NamesInAnyCase) {
  EXPECT_EQ(parse_transfer_encoding("BASE64 "), transfer_encoding::base64);
  EXPECT_EQ(parse_transfer_encoding(""), transfer_encoding::seven_bit);
  EXPECT_EQ(parse_transfer_encoding("x-uuencode"), transfer_encoding::unknown);
}

}  // namespace
}  // namespace msgkit::mime
