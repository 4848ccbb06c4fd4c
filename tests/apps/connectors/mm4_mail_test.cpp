#include "connectors/mm4_mail.hpp"

#include <gtest/gtest.h>

using namespace msgkit;

namespace {

std::string only_part(std::string_view mail) {
  const auto document = mime::parse(as_bytes(mail));
  if (!document) return "no mail";
  const auto parts = app::mail_parts_of(*document, 1'000);
  return parts && parts->size() == 1 ? parts->front().content : "not one part";
}

}  // namespace

TEST(Mm4Mail, TheLineEndOfATextMailIsNotItsText) {
  EXPECT_EQ(only_part("Content-Type: text/plain\r\n\r\nhello\r\n"), "hello");
  EXPECT_EQ(only_part("Content-Type: Text/plain\r\n\r\nhello\r\n\r\n"), "hello\r\n") << "one only";
  EXPECT_EQ(only_part("Content-Type: text/plain\r\n\r\nhello"), "hello");
}

TEST(Mm4Mail, TheLineEndBeforeABoundaryIsNotItsText) {
  EXPECT_EQ(only_part("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                      "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n"),
            "hello");
  EXPECT_EQ(only_part("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                      "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\n--b--\r\n"),
            "hello\r\n");
}

TEST(Mm4Mail, WhatIsQuotedOrNoTextStaysAsItWas) {
  EXPECT_EQ(only_part("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGkNCg==\r\n"), "hi\r\n");
  EXPECT_EQ(only_part("Content-Type: image/gif\r\n\r\nGIF89a\r\n"), "GIF89a\r\n");
}
