#include "msgkit/mm7/status.hpp"

#include <gtest/gtest.h>

namespace msgkit::mm7 {
namespace {

TEST(Mm7Status, ClassesDecideAboutUnknownCodes) {
  EXPECT_TRUE(is_success(status_code::partial_success));
  EXPECT_TRUE(is_success(static_cast<status_code>(1001)));
  EXPECT_FALSE(is_success(status_code::client_error));
  EXPECT_EQ(to_string(static_cast<status_code>(2101)), "Client error");
  EXPECT_EQ(to_string(static_cast<status_code>(5000)), "Unknown status");
  EXPECT_FALSE(is_known(static_cast<status_code>(2101)));
  EXPECT_TRUE(is_retryable(static_cast<status_code>(4999)));
  EXPECT_FALSE(is_retryable(static_cast<status_code>(2101)));
}

TEST(Mm7Status, SomeFailuresAreWorthAnotherTry) {
  for (const auto c : {status_code::server_error, status_code::not_possible, status_code::general_service_error,
                       status_code::service_error, status_code::service_unavailable})
    EXPECT_TRUE(is_retryable(c));
  for (const auto c : {status_code::address_error, status_code::message_rejected, status_code::improper_identification,
                       status_code::validation_error, status_code::service_denied})
    EXPECT_FALSE(is_retryable(c));
}

}  // namespace
}  // namespace msgkit::mm7
