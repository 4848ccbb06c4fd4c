#include "common/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace msgkit::app {
namespace {

const EVP_MD* algorithm(digest_kind kind) {
  switch (kind) {
    case digest_kind::md5: return EVP_md5();
    case digest_kind::sha1: return EVP_sha1();
    case digest_kind::sha256: return EVP_sha256();
    case digest_kind::sha512: return EVP_sha512();
  }
  return nullptr;
}

const unsigned char* octets_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string as_string(const std::array<unsigned char, EVP_MAX_MD_SIZE>& out, unsigned length) {
  return {reinterpret_cast<const char*>(out.data()), length};
}

}  // namespace

std::string digest(digest_kind kind, std::string_view octets) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  if (EVP_Digest(octets.data(), octets.size(), out.data(), &length, algorithm(kind), nullptr) != 1)
    throw std::runtime_error("OpenSSL refuses this digest");
  return as_string(out, length);
}

std::string hmac(digest_kind kind, std::string_view key, std::string_view octets) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  // A null key would mean "the key of last time".
  const auto* key_octets = key.empty() ? "" : key.data();
  if (!HMAC(algorithm(kind), key_octets, static_cast<int>(key.size()), octets_of(octets), octets.size(), out.data(),
            &length))
    throw std::runtime_error("OpenSSL refuses this digest");
  return as_string(out, length);
}

bool verify_ed25519(std::string_view public_key, std::string_view octets, std::string_view signature) {
  constexpr std::size_t key_octets = 32, signature_octets = 64;
  if (public_key.size() != key_octets || signature.size() != signature_octets) return false;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(public_key), key_octets), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!key || !context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), octets_of(octets), octets.size()) == 1;
}

std::string random_octets(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("the system has no random octets to give");
  return out;
}

}  // namespace msgkit::app
