#include "msgkit/smpp/text/reassembly.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "msgkit/core/backoff.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace std::chrono_literals;
using enum reassembly_outcome;

namespace {

const time_point start{};
const part_addresses route{"acme", "100", "200"};

part_input part(std::string_view body, std::uint8_t data_coding = 0) { return {as_bytes(body), data_coding}; }
concatenation at(std::uint8_t sequence, std::uint8_t total, std::uint16_t reference = 7,
                 reference_width width = reference_width::udh8) {
  return {reference, total, sequence, width};
}
std::string joined(const reassembled_message& m) {
  std::string out;
  for (const auto& p : m.parts) out += as_text(p.body);
  return out;
}

}  // namespace

TEST(Reassembly, JoinsPartsInAnyOrder) {
  std::vector<std::uint8_t> order{1, 2, 3, 4};
  do {
    reassembler r;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::string body(1, static_cast<char>('a' + order[i]));
      const auto done = r.add(route, at(order[i], 4), part(body), start);
      EXPECT_EQ(done.outcome, i == 3 ? complete : stored);
      if (i == 3) {
        EXPECT_EQ(joined(*done.message), "bcde");
      }
    }
    EXPECT_EQ(r.size(), 0u);
    EXPECT_EQ(r.octets(), 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Reassembly, HandsBackWhatBelongsToThePartsAndTheMessage) {
  reassembler r;
  const text_context context{{.single = gsm7_language::turkish}, 9};
  r.add(route, at(2, 2, 0x1234, reference_width::sar), {as_bytes("b"), 8, context, 22}, start);
  const auto done = r.add(route, at(1, 2, 0x1234, reference_width::sar), {as_bytes("a"), 8, {}, 11}, start);
  ASSERT_EQ(done.outcome, complete);
  EXPECT_EQ(done.message->account, "acme");
  EXPECT_EQ(done.message->source, "100");
  EXPECT_EQ(done.message->destination, "200");
  EXPECT_EQ(done.message->reference, 0x1234);
  EXPECT_EQ(done.message->width, reference_width::sar);
  EXPECT_EQ(done.message->parts[0].token, 11u);
  EXPECT_EQ(done.message->parts[1].token, 22u);
  EXPECT_EQ(done.message->parts[1].data_coding, 8);
  EXPECT_EQ(done.message->parts[1].context.header_octets, 9u);
}

TEST(Reassembly, TreatsImpossiblePositionsAsSingleMessages) {
  reassembler r;
  for (const auto& c : {at(0, 2), at(3, 2), at(1, 0), at(0, 0), at(1, 1)}) {
    EXPECT_EQ(r.add(route, c, part("x"), start).outcome, single);
  }
  EXPECT_EQ(r.size(), 0u);
}

TEST(Reassembly, SendersTotalsReferencesAndWidthsDoNotMix) {
  reassembler r;
  r.add(route, at(1, 2), part("a"), start);
  EXPECT_EQ(r.add({"acme", "101", "200"}, at(2, 2), part("b"), start).outcome, stored);
  EXPECT_EQ(r.add({"acme", "100", "201"}, at(2, 2), part("b"), start).outcome, stored);
  EXPECT_EQ(r.add({"beta", "100", "200"}, at(2, 2), part("b"), start).outcome, stored);
  EXPECT_EQ(r.add({"acme1", "00", "200"}, at(2, 2), part("b"), start).outcome, stored);
  EXPECT_EQ(r.add(route, at(2, 3), part("b"), start).outcome, stored);
  EXPECT_EQ(r.add(route, at(2, 2, 8), part("b"), start).outcome, stored);
  EXPECT_EQ(r.add(route, at(2, 2, 7, reference_width::udh16), part("b"), start).outcome, stored);
  EXPECT_EQ(r.size(), 8u);
  EXPECT_EQ(r.add(route, at(2, 2), part("b"), start).outcome, complete);
  EXPECT_EQ(r.size(), 7u);
}

TEST(Reassembly, DuplicatesChangeNothing) {
  reassembler r;
  EXPECT_EQ(r.add(route, at(1, 2), part("a"), start).outcome, stored);
  const auto octets = r.octets();
  EXPECT_EQ(r.add(route, at(1, 2), part("a"), start).outcome, duplicate);
  EXPECT_EQ(r.octets(), octets);
  EXPECT_EQ(r.add(route, at(2, 2), part("b"), start).outcome, complete);
}

TEST(Reassembly, ADifferentPartInTheSamePlaceStartsANewMessage) {
  reassembler r;
  r.add(route, at(1, 2), part("old"), start);
  EXPECT_EQ(r.add(route, at(1, 2), part("new"), start).outcome, replaced);
  EXPECT_EQ(r.next_deadline(), time_point::min());
  const auto given_up = r.expire(start);
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(joined(given_up[0]), "old");
  EXPECT_FALSE(given_up[0].complete());
  const auto done = r.add(route, at(2, 2), part("er"), start);
  ASSERT_EQ(done.outcome, complete);
  EXPECT_EQ(joined(*done.message), "newer");
}

TEST(Reassembly, LateDuplicatesOfACompletedMessageLeaveNoTrace) {
  reassembler r{{.lifetime = 10min, .duplicate_window = 1min}};
  r.add(route, at(1, 2), part("a"), start);
  r.add(route, at(2, 2), part("b"), start);
  EXPECT_EQ(r.add(route, at(2, 2), part("b"), start + 30s).outcome, duplicate);
  EXPECT_TRUE(r.expire(start + 1h).empty());
  EXPECT_EQ(r.octets(), 0u);
}

TEST(Reassembly, AWholeMessageRepeatedComesOutAgain) {
  reassembler r;
  for (int round = 0; round < 3; ++round) {
    r.add(route, at(1, 2), part("a"), start);
    EXPECT_EQ(r.add(route, at(2, 2), part("b"), start).outcome, complete) << round;
  }
}

TEST(Reassembly, ANewMessageThatSharesAPartWithACompletedOneIsNotADuplicate) {
  reassembler r;
  r.add(route, at(1, 2), part("same"), start);
  r.add(route, at(2, 2), part("first"), start);
  EXPECT_EQ(r.add(route, at(1, 2), part("same"), start).outcome, duplicate);
  const auto done = r.add(route, at(2, 2), part("second"), start);
  ASSERT_EQ(done.outcome, complete);
  EXPECT_EQ(joined(*done.message), "samesecond");
}

TEST(Reassembly, ForgetsCompletedMessagesInTimeAndNumber) {
  reassembler r{{.duplicate_window = 1min, .completed_max = 1}};
  r.add(route, at(1, 2, 1), part("a"), start);
  r.add(route, at(2, 2, 1), part("b"), start);
  EXPECT_EQ(r.add(route, at(1, 2, 1), part("a"), start + 2min).outcome, stored);
  EXPECT_EQ(r.add(route, at(2, 2, 1), part("b"), start + 2min).outcome, complete);
  r.add(route, at(1, 2, 2), part("a"), start + 2min);
  r.add(route, at(2, 2, 2), part("b"), start + 2min);
  EXPECT_EQ(r.add(route, at(1, 2, 1), part("a"), start + 2min).outcome, stored);
  EXPECT_EQ(r.add(route, at(1, 2, 2), part("a"), start + 2min).outcome, duplicate);
}

TEST(Reassembly, HandsOutPartialMessagesWhenTheirTimeIsUp) {
  reassembler r{{.lifetime = 5min}};
  r.add(route, at(3, 3, 1), part("c"), start);
  r.add(route, at(1, 3, 1), part("a"), start + 4min);  // does not extend the time
  r.add(route, at(1, 2, 2), part("x"), start + 1min);
  EXPECT_EQ(r.next_deadline(), start + 5min);
  EXPECT_TRUE(r.expire(start + 5min - 1ms).empty());
  const auto expired = r.expire(start + 5min);
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(joined(expired[0]), "ac");
  EXPECT_EQ(expired[0].total, 3);
  EXPECT_TRUE(r.expire(start + 5min).empty());
  EXPECT_EQ(r.expire(start + 1h).size(), 1u);
  EXPECT_EQ(r.octets(), 0u);
  EXPECT_EQ(r.next_deadline(), never);
}

TEST(Reassembly, APartAfterTheTimeIsUpStartsAfresh) {
  reassembler r{{.lifetime = 5min}};
  r.add(route, at(1, 2), part("a"), start);
  EXPECT_EQ(r.add(route, at(2, 2), part("b"), start + 6min).outcome, replaced);
  EXPECT_EQ(r.expire(start + 6min).size(), 1u);
  EXPECT_EQ(r.size(), 1u);
}

TEST(Reassembly, RefusesWhatExceedsItsLimits) {
  reassembler entries{{.entries_max = 2}};
  EXPECT_EQ(entries.add(route, at(1, 2, 1), part("a"), start).outcome, stored);
  EXPECT_EQ(entries.add(route, at(1, 2, 2), part("a"), start).outcome, stored);
  EXPECT_EQ(entries.add(route, at(1, 2, 3), part("a"), start).outcome, full);
  EXPECT_EQ(entries.add(route, at(2, 2, 2), part("b"), start).outcome, complete);
  EXPECT_EQ(entries.add(route, at(1, 2, 3), part("a"), start).outcome, stored);

  reassembler octets{{.octets_max = 400}};
  EXPECT_EQ(octets.add(route, at(1, 3), part(std::string(200, 'x')), start).outcome, stored);
  EXPECT_EQ(octets.add(route, at(2, 3), part(std::string(200, 'x')), start).outcome, full);
  EXPECT_EQ(octets.add(route, at(2, 3), part("x"), start).outcome, stored);

  reassembler message{{.message_octets_max = 300}};
  EXPECT_EQ(message.add(route, at(1, 3), part(std::string(500, 'x')), start).outcome, too_large);
  EXPECT_EQ(message.size(), 0u);
}

TEST(Reassembly, ManyEmptyPartsAreNotFree) {
  reassembler r{{.entries_max = 1'000'000, .octets_max = 100'000}};
  std::size_t kept = 0;
  for (std::uint16_t reference = 0; reference < 10'000; ++reference) {
    kept += r.add(route, at(1, 255, reference), part(""), start).outcome == stored;
  }
  EXPECT_LT(kept, 2'000u);
  EXPECT_LE(r.octets(), 100'000u);
  EXPECT_EQ(r.expire(start + 24h).size(), kept);
  EXPECT_EQ(r.octets(), 0u);
}

TEST(Reassembly, TakesAllOf255Parts) {
  reassembler r;
  for (int i = 255; i >= 1; --i) {
    const auto done = r.add(route, at(static_cast<std::uint8_t>(i), 255), part("x"), start);
    EXPECT_EQ(done.outcome, i == 1 ? complete : stored);
  }
}

TEST(Reassembly, DecodesCharactersThatTheSenderCut) {
  reassembler r;
  const std::uint8_t high[] = {0xD8, 0x3D}, low[] = {0xDE, 0x00};
  r.add(route, at(2, 2), {low, 8}, start);
  const auto done = r.add(route, at(1, 2), {high, 8}, start);
  const auto text = decode_message(*done.message);
  EXPECT_EQ(text->text, "\U0001F600");
  EXPECT_FALSE(text->irregular);
}

TEST(Reassembly, DecodesPartsOfDifferentCodingsAndGaps) {
  reassembler r{{.lifetime = 1min}};
  const std::uint8_t ucs2[] = {0x04, 0x16};
  r.add(route, at(1, 4), part("ab"), start);
  r.add(route, at(2, 4), {ucs2, 8}, start);
  r.add(route, at(4, 4), {ucs2, 8}, start);
  const auto expired = r.expire(start + 1min);
  const auto text = decode_message(expired.at(0));
  EXPECT_EQ(text->text, "ab\u0416\u0416");
  EXPECT_TRUE(text->irregular);
  r.add(route, at(1, 2), {ucs2, 4}, start + 1min);
  EXPECT_FALSE(decode_message(*r.add(route, at(2, 2), {ucs2, 4}, start + 1min).message));
}

// Random texts in random codings, cut by every method, shuffled with duplicates, interleaved.
TEST(Reassembly, UndoesSegmentation) {
  std::uint64_t seed = 4711;
  const std::string characters[] = {"a", "\u20ac", "\u00e9", "\u015f", "\u0915", "\u093f", "\u0416", "\U0001F600"};
  for (int round = 0; round < 300; ++round) {
    const auto variety = 1 + mix(++seed) % std::size(characters);
    std::string text;
    for (auto n = 200 + mix(++seed) % 1'500; n > 0; --n) text += characters[mix(++seed) % variety];
    const coding_profile profile{.default_charset = round % 5 == 0 ? charset::gsm7_packed : charset::gsm7};
    const auto choice = choose_coding(text, {.national_languages = round % 2 == 0, .profile = profile});
    const auto method = static_cast<long_message_method>(mix(++seed) % 3);
    const auto m = split_text(text, choice.coding, {.method = method, .reference = static_cast<std::uint16_t>(round)});
    ASSERT_TRUE(m);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < m->parts.size(); ++i) order.insert(order.end(), 1 + mix(++seed) % 2, i);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[mix(++seed) % i]);
    reassembler r;
    std::optional<reassembled_message> whole;
    for (const auto i : order) {
      const auto& p = m->parts[i];
      concatenation position = p.position;
      text_context context;
      if (m->has_header) {
        const auto ud = split_user_data(p.octets);
        ASSERT_TRUE(ud);
        position = *ud->header.concatenation();
        context = {ud->header.languages(), ud->header.size()};
      }
      auto done = r.add(route, position, {p.body(), choice.data_coding, context}, start);
      if (done.outcome == complete) whole = std::move(done.message);
    }
    ASSERT_TRUE(whole);
    EXPECT_EQ(decode_message(*whole, profile)->text, text);
    EXPECT_TRUE(r.expire(start + 24h).empty());
  }
}
