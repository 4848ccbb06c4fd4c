// Digests and signatures over octets, from OpenSSL. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace msgkit::app {

// md5 and sha1 are here because peers sign with them; nothing of ours does.
enum class digest_kind : std::uint8_t { md5, sha1, sha256, sha512 };

// The digest as octets (16, 20, 32 or 64). Throws std::runtime_error when OpenSSL refuses the algorithm, as a system in
// FIPS mode does with md5.
std::string digest(digest_kind kind, std::string_view octets);
// RFC 2104. Any key length, the empty key included.
std::string hmac(digest_kind kind, std::string_view key, std::string_view octets);

// RFC 8032. False for a public key that is not 32 octets, a signature that is not 64, and one that does not match.
bool verify_ed25519(std::string_view public_key, std::string_view octets, std::string_view signature);

// `count` octets from the system's generator, fit for keys and tokens. Throws std::runtime_error without entropy.
std::string random_octets(std::size_t count);

}  // namespace msgkit::app
