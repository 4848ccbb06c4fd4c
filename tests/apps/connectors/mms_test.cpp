#include "connectors/mms.hpp"

#include <gmock/gmock.h>

#include "connectors/plain_text.hpp"

namespace msgkit::app::test {
namespace {

const mms_message picture{.subject = "Föto",
                          .text = "see 😀",
                          .base_url = "https://gw.example.org",
                          .media = {{"00112233445566778899aabbccddeeff", "image/jpeg", "cat.jpg", 1'234'567},
                                    {"ffeeddccbbaa99887766554433221100", "application/x-odd", "", 1}},
                          .recipients = {"46700000001", "46700000002"},
                          .media_lost = 1};

TEST(Mms, SurvivesTheWayThroughTheEngine) {
  const auto c = mms_content(picture, "client:a", "+15550001", "46700000001");
  EXPECT_EQ(c->kind, engine::message_kind::mms);
  EXPECT_EQ(c->source.value, "15550001");
  EXPECT_EQ(c->destination.value, "46700000001");
  EXPECT_EQ(read_mms(*c), picture);
  EXPECT_FALSE(to_plain_text(*c)) << "its octets are no text";
}

TEST(Mms, EveryPrefixIsNothing) {
  const auto whole = mms_content(picture, "client:a", "1", "2");
  auto c = *whole;
  while (!c.body.empty()) {
    c.body.pop_back();
    EXPECT_FALSE(read_mms(c)) << c.body.size();
  }
  c = *whole;
  c.body.push_back(0);
  EXPECT_FALSE(read_mms(c));
  c = *whole;
  c.kind = engine::message_kind::sms;
  EXPECT_FALSE(read_mms(c));
}

TEST(Mms, EveryChangedOctetIsAValueOrNothing) {
  const auto whole = mms_content(picture, "client:a", "1", "2");
  for (std::size_t i = 0; i < whole->body.size(); ++i) {
    auto c = *whole;
    c.body[i] ^= 0xFF;
    const auto m = read_mms(c);
    EXPECT_LE(m ? m->media.size() : 0, mms_media_max);
  }
}

TEST(Mms, BecomesTextWithLinksForThoseWhoTakeTextAlone) {
  EXPECT_EQ(text_with_links(picture),
            "Föto\nsee 😀\nhttps://gw.example.org/media/00112233445566778899aabbccddeeff.jpg\n"
            "https://gw.example.org/media/ffeeddccbbaa99887766554433221100");
  auto c = std::make_shared<engine::message_content>(*mms_content(picture, "client:a", "1", "2"));
  c->receipt_wanted = engine::receipt_on_success;
  const auto sms = sms_of(c);
  EXPECT_EQ(sms->kind, engine::message_kind::sms);
  EXPECT_EQ(sms->receipt_wanted, engine::receipt_on_success);
  EXPECT_EQ(to_plain_text(*sms)->text, text_with_links(picture));
  const auto text = from_plain_text("hello", "client:a", "1", "2");
  EXPECT_EQ(sms_of(text), text);
}

TEST(Mms, CutsWhatIsTooLongAtACharacter) {
  EXPECT_EQ(cut_utf8("häh", 3), "hä");
  EXPECT_EQ(cut_utf8("häh", 2), "h");
  EXPECT_EQ(cut_utf8("häh", 9), "häh");
  EXPECT_EQ(cut_utf8("\x80\x80", 1), "");
  auto m = picture;
  m.subject.assign(mms_subject_octets_max + 1, 's');
  m.media.assign(mms_media_max + 1, {"t", "image/png", std::string(500, 'n'), 1});
  const auto read = read_mms(*mms_content(m, "client:a", "1", "2"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject.size(), mms_subject_octets_max);
  EXPECT_EQ(read->media.size(), mms_media_max);
  EXPECT_EQ(read->media.front().name.size(), mms_name_octets_max);
}

TEST(Mms, AGroupIsKnownAndNothingElseIs) {
  mms_message m{.text = "hi", .recipients = {"1", "2"}};
  EXPECT_FALSE(is_group(*mms_content(m, "client:a", "1", "2")));
  m.is_group = true;
  const auto content = mms_content(m, "client:a", "1", "2");
  EXPECT_TRUE(is_group(*content));
  EXPECT_EQ(read_mms(*content), m);
  EXPECT_FALSE(is_group(*sms_of(content)));
}

}  // namespace
}  // namespace msgkit::app::test
