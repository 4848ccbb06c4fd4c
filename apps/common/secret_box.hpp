// Secrets at rest that must be readable again: AES-256-GCM under a key derived from the operator's ENCRYPTION_KEY.
// (Passwords that are only compared are hashed instead, see password.hpp.)
//
//   aead1$<key id, 8 hex>$<nonce, tag and ciphertext, base64>
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app {

// An immutable value; thread-safe.
class secret_box {
 public:
  // The first key seals, all of them open: put a new key in front, seal everything anew, drop the old one. A key is any
  // text of at least `key_octets_min` octets; HKDF-SHA256 makes the cipher's key of it.
  // Precondition: at least one key, none too short; check_key() says so beforehand.
  explicit secret_box(const std::vector<std::string>& keys);

  static constexpr std::size_t key_octets_min = 16;
  // Empty when the text may serve as a key; otherwise what is wrong with it.
  static std::string check_key(std::string_view key);

  // `place` says where the secret lives ("carrier/7/password"): what was sealed for one place does not open at another.
  [[nodiscard]] std::string seal(std::string_view secret, std::string_view place) const;
  // Nothing when the text is not ours, was changed, belongs elsewhere, or its key is not among ours.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view place) const;

  [[nodiscard]] static bool is_sealed(std::string_view text) noexcept;
  // False when an older key sealed it: seal it again.
  [[nodiscard]] bool is_current(std::string_view sealed) const noexcept;

 private:
  struct key {
    std::string id;      // 8 hex digits, from the key itself: tells keys apart, tells nothing about them
    std::string cipher;  // 32 octets
  };
  std::vector<key> keys_;
};

}  // namespace msgkit::app
