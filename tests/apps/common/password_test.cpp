#include "common/password.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace msgkit::app {
namespace {

constexpr scrypt_cost cheap{.n = 16, .r = 1, .p = 1};

TEST(Password, VerifiesItsOwnHashes) {
  const auto stored = hash_password("s3cret", cheap);
  EXPECT_TRUE(stored.starts_with("scrypt$16$1$1$"));
  EXPECT_TRUE(is_password_hash(stored));
  EXPECT_EQ(check_stored_password(stored), "");
  EXPECT_TRUE(verify_password(stored, "s3cret"));
  EXPECT_FALSE(verify_password(stored, "s3cre"));
  EXPECT_FALSE(verify_password(stored, ""));
  EXPECT_NE(hash_password("s3cret", cheap), stored) << "salt is random";
}

TEST(Password, AgreesWithAnotherImplementation) {
  // Made with Python's hashlib.scrypt(b"password", salt=b"NaClNaCl", n=1024, r=8, p=16, dklen=32).
  EXPECT_TRUE(verify_password("scrypt$1024$8$16$4e61436c4e61436c$"
                              "5ec0b6653757278cec7f355d46d4d034d497313a2a7feb5c4b189317953f116e",
                              "password"));
}

TEST(Password, ComparesPlainText) {
  EXPECT_TRUE(verify_password("plain", "plain"));
  EXPECT_FALSE(verify_password("plain", "plaim"));
  EXPECT_FALSE(verify_password("", ""));
  EXPECT_FALSE(is_password_hash("plain"));
}

TEST(Password, AnIllFormedOrExpensiveHashMatchesNothing) {
  const std::string salt(32, '0');
  const std::string hash(64, '0');
  for (const std::string& bad :
       {std::string("scrypt$"), "scrypt$16$1$1$" + salt, "scrypt$16$1$1$" + salt + "$" + hash + "$",
        "scrypt$15$1$1$" + salt + "$" + hash, "scrypt$16$1$0$" + salt + "$" + hash, "scrypt$16$1$99$" + salt + "$" + hash,
        "scrypt$1099511627776$8$1$" + salt + "$" + hash, "scrypt$16$18446744073709551615$1$" + salt + "$" + hash,
        "scrypt$16$1$1$00$" + hash, "scrypt$16$1$1$" + salt + "$00", "scrypt$-1$1$1$" + salt + "$" + hash}) {
    EXPECT_NE(check_stored_password(bad), "") << bad;
    EXPECT_FALSE(verify_password(bad, "x")) << bad;
    EXPECT_FALSE(verify_password(bad, bad)) << "a hash is never its own password";
  }
  EXPECT_THROW((void)hash_password("x", {.n = 1ULL << 40}), std::runtime_error);
}

TEST(PasswordVerifier, RemembersTheLastSuccess) {
  password_verifier v;
  const auto stored = hash_password("a", cheap);
  EXPECT_FALSE(v.is_quick("acme", stored, "a"));
  EXPECT_TRUE(v.verify("acme", stored, "a"));
  EXPECT_TRUE(v.is_quick("acme", stored, "a"));
  EXPECT_TRUE(v.verify("acme", stored, "a"));
  EXPECT_FALSE(v.is_quick("acme", stored, "b"));
  EXPECT_FALSE(v.verify("acme", stored, "b"));
  EXPECT_FALSE(v.is_quick("other", stored, "a"));
}

TEST(PasswordVerifier, ForgetsWhenThePasswordIsChanged) {
  password_verifier v;
  const auto before = hash_password("a", cheap);
  const auto after = hash_password("b", cheap);
  EXPECT_TRUE(v.verify("acme", before, "a"));
  EXPECT_FALSE(v.verify("acme", after, "a"));
  EXPECT_TRUE(v.verify("acme", after, "b"));
}

TEST(PasswordVerifier, IsBoundedAndDropsTheOldest) {
  password_verifier v(2);
  const auto stored = hash_password("a", cheap);
  EXPECT_TRUE(v.verify("1", stored, "a"));
  EXPECT_TRUE(v.verify("2", stored, "a"));
  EXPECT_TRUE(v.verify("3", stored, "a"));
  EXPECT_EQ(v.size(), 2u);
  EXPECT_FALSE(v.is_quick("1", stored, "a"));
  EXPECT_TRUE(v.is_quick("3", stored, "a"));
}

TEST(PasswordVerifier, PlainTextIsAlwaysQuick) {
  password_verifier v;
  EXPECT_TRUE(v.is_quick("acme", "plain", "x"));
  EXPECT_TRUE(v.verify("acme", "plain", "plain"));
  EXPECT_EQ(v.size(), 0u);
}

}  // namespace
}  // namespace msgkit::app
