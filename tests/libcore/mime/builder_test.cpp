#include "msgkit/core/mime/builder.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/mime/entity.hpp"
#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {
namespace {

std::string build(const std::vector<out_part>& parts, const multipart_options& o) {
  const auto header = plan_multipart(parts, o);
  if (!header) return {};
  byte_vector out;
  if (!append_field(out, "Content-Type", header->content_type)) return {};
  append(out, "\r\n");
  if (!append_multipart(out, parts, o)) return {};
  return std::string(as_text(out));
}

TEST(MimeBuilder, WhatItWritesIsReadBack) {
  std::string binary;
  for (int i = 0; i < 5000; ++i) binary += static_cast<char>(i * 31);
  const std::string text = "short\r\n--lines\r\n", unicode = "gr\xC3\xBC\xC3\x9F" "e";
  const std::vector<out_part> parts = {
      {.type = parse_media_type("application/smil"), .id = "smil", .content = as_bytes("<smil/>")},
      {.type = parse_media_type("image/jpeg"), .location = "a b.jpg", .name = "gr\xC3\xBC.jpg", .content = as_bytes(binary)},
      {.type = parse_media_type("text/plain; charset=utf-8"), .id = "t@x", .content = as_bytes(unicode)},
      {.type = parse_media_type("text/plain"), .id = "u", .content = as_bytes(text)}};
  for (const bool raw : {false, true}) {
    const auto mail = build(parts, {.kind = multipart_kind::related, .start = "smil", .root_type = "application/smil", .seed = 7, .binary = raw});
    const auto doc = parse(as_bytes(mail));
    ASSERT_TRUE(doc) << doc.error().code.message() << mail;
    ASSERT_EQ(doc->parts.size(), 5u);
    EXPECT_EQ(doc->presentation(), &doc->parts[1]);
    EXPECT_EQ(as_text(*decode(doc->parts[2], 10'000)), binary);
    EXPECT_EQ(doc->parts[2].location, "a b.jpg");
    EXPECT_EQ(doc->parts[2].name, "gr\xC3\xBC.jpg");
    EXPECT_EQ(decode_text(doc->parts[3], 100).value_or(""), unicode);
    EXPECT_EQ(doc->parts[3].id, "t@x");
    EXPECT_EQ(as_text(*decode(doc->parts[4], 100)), text);
    if (raw) continue;
    for (std::size_t i = 0, line = 0; i < mail.size(); ++i) {
      line = mail[i] == '\n' ? 0 : line + 1;
      ASSERT_LE(line, 999u);
      ASSERT_GT(mail[i], 0) << i;
      if (mail[i] == '\n') {
        ASSERT_EQ(mail[i - 1], '\r');
      }
    }
  }
}

TEST(MimeBuilder, TheBoundaryOccursNowhereInside) {
  std::vector<out_part> parts = {{.content = as_bytes("x")}, {.content = as_bytes("y")}};
  const auto first = plan_multipart(parts, {.seed = 1})->content_type;
  const std::string evil = "--" + std::string(parse_media_type(first).get("boundary")) + "\r\n";
  parts[0].content = as_bytes(evil);
  EXPECT_NE(plan_multipart(parts, {.seed = 1})->content_type, first);
  const auto mail = build(parts, {.seed = 1});
  const auto doc = parse(as_bytes(mail));
  ASSERT_TRUE(doc);
  EXPECT_EQ(doc->parts.size(), 3u);
  EXPECT_EQ(as_text(*decode(doc->parts[1], 200)), evil);
}

// Case 26
TEST(MimeBuilder, RefusesControlCharactersFromUsers) {
  for (const auto& bad : {std::string("a\r\nBcc: x"), std::string("a\nb"), std::string("a\0b", 3)}) {
    byte_vector out;
    out_part p{.type = parse_media_type("text/plain"), .content = as_bytes("x")};
    p.id = bad;
    EXPECT_EQ(append_multipart(out, {p}, {}).error().code, errc::unsafe_value);
    p.id = "ok";
    p.type.parameters.push_back({"charset", bad});
    EXPECT_FALSE(plan_single(p));
    EXPECT_FALSE(append_multipart(out, {p}, {}));
    EXPECT_FALSE(plan_multipart({}, {.start = bad}));
  }
}

TEST(MimeBuilder, ALonePartStandsAlone) {
  const out_part p{.type = parse_media_type("text/plain; charset=utf-8"), .content = as_bytes("gr\xC3\xBC\xC3\x9F")};
  EXPECT_EQ(plan_single(p)->transfer_encoding, "base64");
  byte_vector out;
  append_single(out, p);
  EXPECT_EQ(as_text(out), "Z3LDvMOf\r\n");
}

}  // namespace
}  // namespace msgkit::mime
