#include <gtest/gtest.h>

#include "msgkit/smpp/codec.hpp"
#include "support/sample_pdu.hpp"

namespace msgkit::smpp {
namespace {

TEST(Owned, OutlivesTheOctetsItWasMadeFrom) {
  test::for_each_pdu([]<class Pdu>(std::type_identity<Pdu>) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto samples = std::make_unique<test::sample_maker>(seed);
      const auto m = samples->make<Pdu>();
      auto kept = own(m);
      ASSERT_TRUE(kept) << command_name(Pdu::id);
      ASSERT_TRUE(**kept == m);
      samples.reset();
      test::sample_maker same(seed);
      ASSERT_TRUE(**kept == same.make<Pdu>());
    }
  });
}

TEST(Owned, CopiesMovesAndAssigns) {
  auto first = *own(submit_sm{.destination_addr = "447700900123", .short_message = "hello"});
  const auto copy = first;
  const auto* view = first->short_message.data();
  auto moved = std::move(first);
  EXPECT_EQ(moved->short_message.data(), view);  // a move keeps views valid
  EXPECT_EQ(moved->short_message, "hello");
  EXPECT_EQ(first->short_message, "");  // NOLINT: moved-from is empty
  EXPECT_EQ(copy->short_message, "hello");
  EXPECT_NE(copy->short_message.data(), view);
  first = copy;
  EXPECT_EQ(*first, *copy);
  moved = owned<submit_sm>{};
  EXPECT_EQ(*moved, submit_sm{});
}

TEST(Owned, KeepsWhatTheDecoderTolerated) {
  const std::string id(100, 'i');
  const auto kept = own(submit_sm_resp{.message_id = id});
  ASSERT_TRUE(kept);
  EXPECT_EQ((*kept)->message_id, id);
}

TEST(Owned, RefusesWhatCannotBeAPdu) {
  EXPECT_EQ(own(submit_sm{.service_type = {"a\0b", 3}}).error().code, errc::embedded_nul);
  EXPECT_EQ(own(submit_sm{.validity_period = "1"}).error().code, errc::invalid_time_length);
}

}  // namespace
}  // namespace msgkit::smpp
