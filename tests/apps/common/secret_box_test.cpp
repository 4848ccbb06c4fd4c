#include "common/secret_box.hpp"

#include <gtest/gtest.h>

namespace msgkit::app {
namespace {

const std::string first = "a key of the operator", second = "another key of the operator";

TEST(SecretBox, OpensWhatItSealed) {
  const secret_box box({first});
  for (const std::string& secret : {std::string(), std::string("s3cret"), std::string(5'000, '\xFF'), std::string("a\0b", 3)}) {
    const auto sealed = box.seal(secret, "carrier/7/password");
    EXPECT_TRUE(secret_box::is_sealed(sealed));
    EXPECT_EQ(box.open(sealed, "carrier/7/password"), secret);
    EXPECT_NE(sealed, box.seal(secret, "carrier/7/password")) << "each sealing has its own nonce";
    if (secret.size() > 3) {
      EXPECT_EQ(sealed.find(secret), std::string::npos);
    }
  }
}

TEST(SecretBox, DoesNotOpenAtAnotherPlaceOrWithAnotherKey) {
  const secret_box box({first});
  const auto sealed = box.seal("s3cret", "carrier/7/password");
  EXPECT_FALSE(box.open(sealed, "carrier/8/password"));
  EXPECT_FALSE(secret_box({second}).open(sealed, "carrier/7/password"));
}

TEST(SecretBox, NoticesEveryChange) {
  const secret_box box({first});
  const auto sealed = box.seal("s3cret", "p");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto opened = box.open(changed, "p");
    EXPECT_FALSE(opened) << i;
    EXPECT_FALSE(box.open(sealed.substr(0, i), "p")) << i;
  }
  EXPECT_FALSE(box.open("", "p"));
  EXPECT_FALSE(box.open("plain text", "p"));
}

TEST(SecretBox, RotatesItsKey) {
  const auto old = secret_box({first}).seal("s3cret", "p");
  const secret_box both({second, first});
  EXPECT_EQ(both.open(old, "p"), "s3cret");
  EXPECT_FALSE(both.is_current(old));
  const auto anew = both.seal("s3cret", "p");
  EXPECT_TRUE(both.is_current(anew));
  EXPECT_EQ(secret_box({second}).open(anew, "p"), "s3cret");
}

TEST(SecretBox, RefusesWeakKeys) {
  EXPECT_NE(secret_box::check_key("short"), "");
  EXPECT_EQ(secret_box::check_key(first), "");
  EXPECT_THROW(secret_box({"short"}), std::invalid_argument);
  EXPECT_THROW(secret_box(std::vector<std::string>{}), std::invalid_argument);
}

}  // namespace
}  // namespace msgkit::app
