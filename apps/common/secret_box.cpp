#include "common/secret_box.hpp"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "common/digest.hpp"
#include "common/http_auth.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view scheme = "aead1$";
constexpr std::size_t key_id_digits = 8, nonce_octets = 12, tag_octets = 16, cipher_key_octets = 32;

unsigned char* octets_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* octets_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
cipher_context new_context() { return {EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free}; }

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot encrypt with AES-256-GCM");
}

std::string derive(std::string_view key) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> c(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr),
                                                                      &EVP_PKEY_CTX_free);
  constexpr std::string_view info = "msgkit secret box 1";
  std::string out(cipher_key_octets, '\0');
  std::size_t length = out.size();
  require(c && EVP_PKEY_derive_init(c.get()) == 1 && EVP_PKEY_CTX_set_hkdf_md(c.get(), EVP_sha256()) == 1 &&
          EVP_PKEY_CTX_set1_hkdf_key(c.get(), octets_of(key), static_cast<int>(key.size())) == 1 &&
          EVP_PKEY_CTX_add1_hkdf_info(c.get(), octets_of(info), static_cast<int>(info.size())) == 1 &&
          EVP_PKEY_derive(c.get(), octets_of(out), &length) == 1);
  return out;
}

std::string encrypt(const std::string& key, std::string_view secret, std::string_view place) {
  auto out = random_octets(nonce_octets);
  out.resize(nonce_octets + tag_octets + secret.size());
  const auto c = new_context();
  int length = 0;
  auto* const at = octets_of(out);
  require(c && EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, octets_of(key), at) == 1 &&
          EVP_EncryptUpdate(c.get(), nullptr, &length, octets_of(place), static_cast<int>(place.size())) == 1 &&
          EVP_EncryptUpdate(c.get(), at + nonce_octets + tag_octets, &length, octets_of(secret),
                            static_cast<int>(secret.size())) == 1 &&
          EVP_EncryptFinal_ex(c.get(), at + nonce_octets + tag_octets + length, &length) == 1 &&
          EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, tag_octets, at + nonce_octets) == 1);
  return out;
}

std::optional<std::string> decrypt(const std::string& key, std::string& box, std::string_view place) {
  if (box.size() < nonce_octets + tag_octets) return std::nullopt;
  std::string out(box.size() - nonce_octets - tag_octets, '\0');
  const auto c = new_context();
  int length = 0;
  auto* const at = octets_of(box);
  const bool good =
      c && EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, octets_of(key), at) == 1 &&
      EVP_DecryptUpdate(c.get(), nullptr, &length, octets_of(place), static_cast<int>(place.size())) == 1 &&
      EVP_DecryptUpdate(c.get(), octets_of(out), &length, at + nonce_octets + tag_octets,
                        static_cast<int>(out.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, tag_octets, at + nonce_octets) == 1 &&
      EVP_DecryptFinal_ex(c.get(), octets_of(out) + length, &length) == 1;
  if (!good) return std::nullopt;
  return out;
}

std::string_view key_id_of(std::string_view sealed) { return sealed.substr(scheme.size(), key_id_digits); }

}  // namespace

std::string secret_box::check_key(std::string_view key) {
  if (key.size() >= key_octets_min) return {};
  return "must be at least 16 octets; make one with: openssl rand -base64 32";
}

secret_box::secret_box(const std::vector<std::string>& keys) {
  if (keys.empty()) throw std::invalid_argument("a secret box needs a key");
  for (const auto& text : keys) {
    if (const auto why = check_key(text); !why.empty()) throw std::invalid_argument("key " + why);
    auto cipher = derive(text);
    auto id = to_hex(as_bytes(digest(digest_kind::sha256, "key id" + cipher))).substr(0, key_id_digits);
    keys_.push_back({std::move(id), std::move(cipher)});
  }
}

bool secret_box::is_sealed(std::string_view text) noexcept {
  const auto digits = scheme.size() + key_id_digits;
  return text.starts_with(scheme) && text.size() > digits && text[digits] == '$';
}

std::string secret_box::seal(std::string_view secret, std::string_view place) const {
  const auto& k = keys_.front();
  return std::string(scheme) + k.id + '$' + base64_encode(encrypt(k.cipher, secret, place));
}

std::optional<std::string> secret_box::open(std::string_view sealed, std::string_view place) const {
  if (!is_sealed(sealed)) return std::nullopt;
  const auto k = std::ranges::find(keys_, key_id_of(sealed), &key::id);
  const auto text = sealed.substr(scheme.size() + key_id_digits + 1);
  auto box = base64_decode(text);
  // Only the spelling that seal() writes: the bits that padding leaves unused are no place for changes either.
  if (k == keys_.end() || !box || base64_encode(*box) != text) return std::nullopt;
  return decrypt(k->cipher, *box, place);
}

bool secret_box::is_current(std::string_view sealed) const noexcept {
  return is_sealed(sealed) && key_id_of(sealed) == keys_.front().id;
}

}  // namespace msgkit::app
