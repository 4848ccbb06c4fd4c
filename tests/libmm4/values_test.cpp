#include "msgkit/mm4/values.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm4 {
namespace {

template <class E>
void names_round_trip(int first, int last) {
  for (int i = first; i <= last; ++i) {
    const auto v = static_cast<E>(i);
    EXPECT_NE(to_string(v), "unknown") << i;
    EXPECT_EQ(parse_value<E>(to_string(v)), v) << to_string(v);
  }
}

TEST(Mm4Values, EveryNameRoundTrips) {
  names_round_trip<message_type>(0, 5);
  names_round_trip<message_class>(0, 3);
  names_round_trip<priority>(0, 2);
  names_round_trip<sender_visibility>(0, 1);
  names_round_trip<content_class>(0, 7);
  names_round_trip<mm_status>(0, 6);
  names_round_trip<status_extension>(0, 1);
  names_round_trip<read_status>(0, 1);
  names_round_trip<request_status>(128, 136);
  names_round_trip<request_status>(192, 195);
  names_round_trip<request_status>(224, 233);
}

TEST(Mm4Values, TakesTheSpellingsOfTheField) {
  EXPECT_EQ(parse_value<message_type>("mm4_FORWARD.req"), message_type::forward_req);
  EXPECT_EQ(parse_value<mm_status>("Unrecognized"), mm_status::unrecognised);
  EXPECT_EQ(parse_value<request_status>("Error-contant-not-accepted"), request_status::content_not_accepted);
  EXPECT_EQ(parse_value<request_status>("Error- service-denied"), request_status::service_denied);
  EXPECT_EQ(parse_value<request_status>("0"), request_status::ok);
  EXPECT_EQ(parse_value<request_status>("131"), request_status::message_format_corrupt);
  EXPECT_EQ(parse_value<request_status>("7"), std::nullopt);
  EXPECT_EQ(parse_value<request_status>("Error-transient-something"), request_status::transient_failure);
  EXPECT_EQ(parse_value<request_status>("Error-permanent-something"), request_status::permanent_failure);
  EXPECT_EQ(parse_value<request_status>("great"), std::nullopt);
  EXPECT_EQ(parse_value<read_status>("deleted without read"), read_status::deleted);
  EXPECT_EQ(parse_value<priority>("\"High\""), priority::high);
  for (const auto* yes : {"Yes", "yes", "1", "true", " YES "}) EXPECT_EQ(parse_yes_no(yes), true);
  for (const auto* no : {"No", "0", "FALSE"}) EXPECT_EQ(parse_yes_no(no), false);
  EXPECT_EQ(parse_yes_no("perhaps"), std::nullopt);
}

TEST(Mm4Values, KnowWhatIsFinalAndWhatIsWorthAnotherTry) {
  EXPECT_TRUE(is_final(mm_status::retrieved));
  EXPECT_FALSE(is_final(mm_status::deferred));
  EXPECT_FALSE(is_final(mm_status::forwarded));
  EXPECT_TRUE(is_retryable(request_status::network_problem));
  EXPECT_TRUE(is_retryable(request_status::transient_failure));
  EXPECT_FALSE(is_retryable(request_status::content_not_accepted));
  EXPECT_EQ(http_code(request_status::ok), 200);
  EXPECT_EQ(http_code(request_status::unsupported_message), 415);
  EXPECT_EQ(http_code(mm_status::deferred), 410);
}

}  // namespace
}  // namespace msgkit::mm4
