#include "msgkit/core/mime/header.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {
namespace {

result<header_block> read(std::string_view text, limits l = {}, bool lenient = false) {
  return read_header(as_bytes(text), l, lenient);
}

TEST(MimeHeader, ReadsFieldsInOrderAndUnfolds) {
  const auto h = read("A: 1\r\nB:  two\r\n\twords \r\nA: 3\r\n\r\nbody");
  ASSERT_TRUE(h);
  EXPECT_TRUE(h->ended);
  ASSERT_EQ(h->fields.size(), 3u);
  EXPECT_EQ(h->fields.value("b"), "two words");
  EXPECT_EQ(h->fields.value("A"), "1");
  EXPECT_EQ(h->fields.count("a"), 2u);
  EXPECT_EQ(h->length, std::string_view("A: 1\r\nB:  two\r\n\twords \r\nA: 3\r\n\r\n").size());
}

TEST(MimeHeader, KeepsTheLastFieldWhenNoEmptyLineFollows) {
  const auto h = read("A: 1\r\nB: 2\r\n");
  ASSERT_TRUE(h);
  EXPECT_FALSE(h->ended);
  EXPECT_EQ(h->fields.value("B"), "2");
  EXPECT_EQ(read("A: 1\r\nB: 2")->fields.value("B"), "2");
}

TEST(MimeHeader, TakesLfAndBlanksBeforeTheColonAndEmptyValues) {
  const auto h = read("A : 1\nB:\nC: 3\n\n");
  ASSERT_TRUE(h);
  EXPECT_EQ(h->fields.value("A"), "1");
  ASSERT_NE(h->fields.find("B"), nullptr);
  EXPECT_EQ(h->fields.value("B"), "");
  EXPECT_EQ(h->fields.value("C"), "3");
}

TEST(MimeHeader, KeepsValuesAsTheyWereSentWhateverTheField) {
  const auto h = read(
      "Content-Type: multipart/related;Type=\"application/smil\"; boundary=\"a;b\"\r\nX:a  b \\\r\n  c\r\n \r\n "
      "d\r\n\r\n");
  ASSERT_TRUE(h);
  EXPECT_EQ(h->fields.value("Content-Type"), "multipart/related;Type=\"application/smil\"; boundary=\"a;b\"");
  EXPECT_EQ(h->fields.value("X"), "a  b \\ c  d");
}

TEST(MimeHeader, SkipsAnMboxLine) {
  const auto h = read("From a@b Sat Nov 21\r\nA: 1\r\n\r\n");
  ASSERT_TRUE(h);
  EXPECT_TRUE(h->mbox_line);
  EXPECT_EQ(h->fields.value("A"), "1");
}

TEST(MimeHeader, RefusesALineWithoutColonAndSaysWhere) {
  const auto h = read("A: 1\r\nno colon here\r\nB: 2\r\n\r\n");
  ASSERT_FALSE(h);
  EXPECT_EQ(h.error().code, errc::header_malformed);
  EXPECT_EQ(h.error().offset, 6u);
  EXPECT_FALSE(read(" folded first\r\n\r\n"));
  EXPECT_FALSE(read(": no name\r\n\r\n"));
}

TEST(MimeHeader, EndsBeforeALineWithoutColonInAPart) {
  const auto h = read("A: 1\r\n<smil/>\r\n", {}, true);
  ASSERT_TRUE(h);
  EXPECT_FALSE(h->ended);
  EXPECT_EQ(h->length, 6u);
}

TEST(MimeHeader, RefusesNulAndBareCarriageReturn) {
  EXPECT_FALSE(read(std::string_view("A: 1\0002\r\n\r\n", 11)));
  EXPECT_FALSE(read("A: 1\rB: 2\r\n\r\n"));
}

TEST(MimeHeader, BoundsFieldsBlockAndCount) {
  const limits l{.header_bytes_max = 1000, .field_bytes_max = 100, .field_count_max = 5};
  EXPECT_EQ(read("A: " + std::string(100, 'x') + "\r\n\r\n", l).error().code, errc::header_too_long);
  std::string folded = "A: 1\r\n";
  for (int i = 0; i < 20; ++i) folded += " 123456789\r\n";
  EXPECT_EQ(read(folded + "\r\n", l).error().code, errc::header_too_long);
  std::string many;
  for (int i = 0; i < 6; ++i) many += "A: 1\r\n";
  EXPECT_EQ(read(many + "\r\n", l).error().code, errc::too_many_fields);
  EXPECT_EQ(read("A: " + std::string(10'000'000, 'x')).error().code, errc::header_too_long);
}

TEST(MimeHeader, WritesFoldedAtBlanks) {
  byte_vector out;
  std::string value;
  for (int i = 0; i < 30; ++i) value += "word" + std::to_string(i) + ", ";
  ASSERT_TRUE(append_field(out, "To", value));
  const auto text = std::string(as_text(out));
  std::size_t start = 0;
  for (auto end = text.find("\r\n"); end != std::string::npos; start = end + 2, end = text.find("\r\n", start))
    EXPECT_LE(end - start, 76u);
  EXPECT_EQ(read(text + "\r\n")->fields.value("To"), trim(value));
}

// Case 26: no octet of a value ends its header.
TEST(MimeHeader, RefusesEveryControlCharacterInAValue) {
  for (int c = 0; c < 256; ++c) {
    const std::string value = std::string("a") + static_cast<char>(c) + "Bcc: evil";
    byte_vector out;
    const auto written = append_field(out, "Subject", value);
    const bool control = (c < 32 && c != '\t') || c == 127;
    EXPECT_EQ(written.has_value(), !control) << c;
    if (control) {
      EXPECT_TRUE(out.empty()) << c;
    } else {
      EXPECT_EQ(read_header(out, {})->fields.size(), 1u) << c;
    }
  }
}

TEST(MimeHeader, RefusesAWordThatNoLineHolds) {
  byte_vector out;
  EXPECT_EQ(append_field(out, "X", std::string(2000, 'x')).error().code, errc::value_too_long);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace msgkit::mime
