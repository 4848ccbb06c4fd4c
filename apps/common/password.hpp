// Stored passwords: scrypt hashes, or plain text in the configuration.
//
//   scrypt$16384$8$1$<salt, hex>$<hash, hex>      N, r and p as RFC 7914 names them
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace msgkit::app {

struct scrypt_cost {
  std::uint64_t n = 16384;  // 16 MiB and about 30 ms
  std::uint64_t r = 8;
  std::uint64_t p = 1;
};

// With a fresh random salt of 16 octets. Throws std::runtime_error when OpenSSL has no randomness or memory.
std::string hash_password(std::string_view password, const scrypt_cost& cost = {});

[[nodiscard]] bool is_password_hash(std::string_view stored) noexcept;
// Empty when `stored` is plain text or a hash we can verify; otherwise what is wrong with it. For --check.
std::string check_stored_password(std::string_view stored);

// True when `password` is the one behind `stored`. Compares in constant time. An ill-formed hash, one above the limits
// (128 MiB, p 16) and an empty `stored` match nothing. A hash costs its scrypt time: not for an I/O thread under load.
[[nodiscard]] bool verify_password(std::string_view stored, std::string_view password);

// verify_password() that remembers the last success of each account, so that a storm of binds with good passwords
// costs microseconds each. Remembers a keyed digest, never the password; the key lives in this process only. A wrong
// password always costs the full time. Thread-safe; two threads may compute at once.
class password_verifier {
 public:
  explicit password_verifier(std::size_t accounts_max = 10'000);
  ~password_verifier();
  password_verifier(const password_verifier&) = delete;
  password_verifier& operator=(const password_verifier&) = delete;

  [[nodiscard]] bool verify(std::string_view account, std::string_view stored, std::string_view password);
  // Whether the answer is at hand without scrypt: then an I/O thread may call verify().
  [[nodiscard]] bool is_quick(std::string_view account, std::string_view stored, std::string_view password) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::app
