#include "engine/record_codec.hpp"

#include <gtest/gtest.h>

#include "engine/error.hpp"
#include "msgkit/core/backoff.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace std::chrono_literals;

namespace {

constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};

message_content full_content() {
  message_content c;
  c.kind = message_kind::receipt;
  c.account = "client:alice";
  c.source = {1, 1, "46700000001"};
  c.destination = {5, 0, "ALERT"};
  c.body = byte_vector(300, 0x41);
  c.coding = 8;
  c.user_data_header = true;
  c.passthrough = {1, 2, 3};
  c.reference = std::string("\0\1", 2);
  c.service_type = "CMT";
  c.receipt_wanted = 7;
  c.priority = 3;
  c.schedule_at = t0 + 1h;
  c.valid_until = t0 + 2h;
  c.receipt = receipt_details{message_id{12345}, message_state::undelivered, true, 0xFFFFFFFF, "000", t0, t0 + 1s, 3, 2};
  c.receipt->endpoint = "carrier:up1";
  c.receipt->carrier_id = "00a1";
  c.receipts_to = "report:alice";
  return c;
}
message_progress full_progress() {
  message_progress p;
  p.state = message_state::sent;
  p.settled = true;
  p.attempts = 300;
  p.failures = 299;
  p.endpoint = "carrier:up1";
  p.accepted_at = t0;
  p.valid_until = t0 + 48h;
  p.next_attempt_at = t0 - 1s;
  p.sent_at = t0 + 3s;
  p.done_at = t0 + 4s;
  p.error = {error_class::temporary, 0x58, "throttled"};
  p.segments = {{true, true, message_state::sent, "c1"}, {true, false, message_state::delivered, ""}};
  p.events.add(t0, event_kind::accepted, 0, 0, "", "client:alice");
  p.events.add(t0, event_kind::attempt, 1, 0, "carrier:up1", "");
  return p;
}
byte_vector octets(const auto& value) {
  byte_vector out;
  encode(value, out);
  return out;
}

}  // namespace

TEST(RecordCodec, ContentComesBack) {
  for (const auto& c : {full_content(), message_content{}}) {
    const auto back = decode_content(octets(c));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, c);
  }
}

TEST(RecordCodec, ProgressComesBack) {
  for (const auto& p : {full_progress(), message_progress{}}) {
    const auto back = decode_progress(octets(p));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, p);
  }
}

TEST(RecordCodec, EveryPrefixIsRefused) {
  const auto content = octets(full_content()), progress = octets(full_progress());
  for (std::size_t n = 0; n < content.size(); ++n) {
    const auto r = decode_content(bytes_view{content}.first(n));
    ASSERT_FALSE(r) << n;
    EXPECT_EQ(r.error().code, errc::record_corrupt);
    EXPECT_FALSE(r.error().field.empty());
  }
  for (std::size_t n = 0; n < progress.size(); ++n) ASSERT_FALSE(decode_progress(bytes_view{progress}.first(n))) << n;
}

TEST(RecordCodec, TrailingOctetsAreRefused) {
  auto content = octets(full_content());
  content.push_back(0);
  EXPECT_EQ(decode_content(content).error().field, "end");
  auto progress = octets(full_progress());
  progress.push_back(0);
  EXPECT_EQ(decode_progress(progress).error().field, "end");
}

TEST(RecordCodec, UnknownVersionIsRefused) {
  auto content = octets(full_content());
  content[0] = 9;
  EXPECT_EQ(decode_content(content).error().field, "version");
}

TEST(RecordCodec, AnyOctetMayChangeWithoutHarm) {
  const auto content = octets(full_content()), progress = octets(full_progress());
  constexpr std::uint8_t values[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
  for (std::size_t i = 0; i < content.size(); ++i)
    for (const std::uint8_t v : values) {
      auto changed = content;
      changed[i] = v;
      const auto c = decode_content(changed);
      EXPECT_TRUE(!c || c->body.size() <= body_octets_max);
    }
  for (std::size_t i = 0; i < progress.size(); ++i)
    for (const std::uint8_t v : values) {
      auto changed = progress;
      changed[i] = v;
      const auto p = decode_progress(changed);
      EXPECT_TRUE(!p || p->segments.size() <= segments_max);
    }
}

TEST(RecordCodec, NoiseIsDecodedOrRefusedButNeverReadPastTheEnd) {
  std::uint64_t seed = 1;
  for (int round = 0; round < 20'000; ++round) {
    byte_vector noise(static_cast<std::size_t>(round % 64));
    for (auto& o : noise) o = static_cast<std::uint8_t>(mix(++seed));
    if (!noise.empty()) noise[0] = 1;
    (void)decode_content(noise);
    (void)decode_progress(noise);
  }
}

TEST(RecordCodec, ChecksumFindsEveryFlippedBit) {
  for (std::size_t more = 0; more < 8; ++more) {  // the octets behind the last eight are a case of their own
    auto content = full_content();
    content.reference.append(more, 'r');
    auto sealed = octets(content);
    seal(sealed);
    ASSERT_TRUE(unseal(sealed));
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      sealed[bit / 8] = static_cast<std::uint8_t>(sealed[bit / 8] ^ 1u << bit % 8);
      EXPECT_FALSE(unseal(sealed)) << bit << " with " << more << " more";
      sealed[bit / 8] = static_cast<std::uint8_t>(sealed[bit / 8] ^ 1u << bit % 8);
    }
  }
  auto sealed = octets(full_content());
  EXPECT_FALSE(unseal(bytes_view{sealed}.first(3)));
}

TEST(RecordCodec, RowsOfEarlierVersionsAreRead) {
  const std::string text = "a row of the time before";
  byte_vector row(text.begin(), text.end());
  for (const int octet : {0x8E, 0x77, 0xD9, 0x45}) row.push_back(static_cast<std::uint8_t>(octet));
  const auto read = unseal(row);
  ASSERT_TRUE(read);
  EXPECT_EQ(as_text(*read), text);
  row[3] ^= 1;
  EXPECT_FALSE(unseal(row));
}
