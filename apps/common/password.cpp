#include "common/password.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/secure.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view prefix = "scrypt$";
constexpr std::size_t hash_bytes = 32;
constexpr std::size_t salt_bytes = 16;
constexpr std::uint64_t memory_bytes_max = 128ULL << 20;
constexpr std::uint64_t p_max = 16;

struct stored_hash {
  scrypt_cost cost;
  byte_vector salt;
  byte_vector hash;
};

bool is_affordable(const scrypt_cost& c) {
  const bool is_power = c.n >= 2 && (c.n & (c.n - 1)) == 0;
  return is_power && c.r >= 1 && c.r <= 64 && c.p >= 1 && c.p <= p_max && c.n <= memory_bytes_max / (128 * c.r);
}

std::optional<byte_vector> derive(std::string_view password, bytes_view salt, const scrypt_cost& c) {
  byte_vector out(hash_bytes);
  const int done = EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), c.n, c.r, c.p,
                                  memory_bytes_max + (2ULL << 20), out.data(), out.size());
  if (done != 1) return std::nullopt;
  return out;
}

std::optional<stored_hash> parse(std::string_view stored) {
  if (!is_password_hash(stored)) return std::nullopt;
  stored.remove_prefix(prefix.size());
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto end = stored.find('$');
    if ((end == std::string_view::npos) != (i + 1 == parts.size())) return std::nullopt;
    parts[i] = stored.substr(0, end);
    stored.remove_prefix(end == std::string_view::npos ? stored.size() : end + 1);
  }
  stored_hash out;
  std::uint64_t* const numbers[] = {&out.cost.n, &out.cost.r, &out.cost.p};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto* const end = parts[i].data() + parts[i].size();
    const auto [stop, ec] = std::from_chars(parts[i].data(), end, *numbers[i]);
    if (ec != std::errc{} || stop != end) return std::nullopt;
  }
  auto salt = from_hex(parts[3]);
  auto hash = from_hex(parts[4]);
  if (!salt || !hash || salt->size() < 8 || hash->size() != hash_bytes) return std::nullopt;
  out.salt = *std::move(salt);
  out.hash = *std::move(hash);
  return out;
}

}  // namespace

bool is_password_hash(std::string_view stored) noexcept { return stored.starts_with(prefix); }

std::string hash_password(std::string_view password, const scrypt_cost& cost) {
  if (!is_affordable(cost)) throw std::runtime_error("scrypt cost is out of range");
  byte_vector salt(salt_bytes);
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1) throw std::runtime_error("no randomness");
  const auto hash = derive(password, salt, cost);
  if (!hash) throw std::runtime_error("scrypt failed");
  return fmt::format("{}{}${}${}${}${}", prefix, cost.n, cost.r, cost.p, to_hex(salt), to_hex(*hash));
}

std::string check_stored_password(std::string_view stored) {
  if (!is_password_hash(stored)) return {};
  const auto parsed = parse(stored);
  if (!parsed) return "is not scrypt$N$r$p$salt$hash with a salt of at least 8 and a hash of 32 octets in hexadecimal";
  if (!is_affordable(parsed->cost)) return "asks for scrypt costs out of range (N a power of 2, 128 * N * r <= 128 MiB, p <= 16)";
  return {};
}

bool verify_password(std::string_view stored, std::string_view password) {
  if (stored.empty()) return false;
  if (!is_password_hash(stored)) return constant_time_equal(password, stored);
  const auto parsed = parse(stored);
  if (!parsed || !is_affordable(parsed->cost)) return false;
  const auto hash = derive(password, parsed->salt, parsed->cost);
  return hash && CRYPTO_memcmp(hash->data(), parsed->hash.data(), hash_bytes) == 0;
}

struct password_verifier::impl {
  using digest = std::array<std::uint8_t, 32>;
  struct entry {
    digest proof;
    std::list<std::string>::iterator age;
  };

  explicit impl(std::size_t max) : accounts_max(max) {
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) throw std::runtime_error("no randomness");
  }

  // Binds the password to the stored hash: after a change of password the old one is forgotten by itself.
  [[nodiscard]] digest prove(std::string_view stored, std::string_view password) const {
    std::string text;
    text.reserve(stored.size() + 1 + password.size());
    text.append(stored).append(1, '\0').append(password);
    digest out{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(text).data(), text.size(), out.data(), &size);
    wipe(text);
    return out;
  }

  [[nodiscard]] bool knows(std::string_view account, const digest& proof) const {
    const auto it = entries.find(std::string(account));
    return it != entries.end() && CRYPTO_memcmp(it->second.proof.data(), proof.data(), proof.size()) == 0;
  }

  void remember(std::string_view account, const digest& proof) {
    const std::string name(account);
    if (const auto it = entries.find(name); it != entries.end()) {
      it->second.proof = proof;
      ages.splice(ages.begin(), ages, it->second.age);
      return;
    }
    if (entries.size() >= accounts_max) {
      entries.erase(ages.back());
      ages.pop_back();
    }
    ages.push_front(name);
    entries.emplace(name, entry{proof, ages.begin()});
  }

  const std::size_t accounts_max;
  std::array<std::uint8_t, 32> key{};
  mutable std::mutex mutex;
  std::list<std::string> ages;  // most recently verified first
  std::unordered_map<std::string, entry> entries;
};

password_verifier::password_verifier(std::size_t accounts_max)
    : impl_(std::make_unique<impl>(std::max<std::size_t>(1, accounts_max))) {}
password_verifier::~password_verifier() = default;

bool password_verifier::verify(std::string_view account, std::string_view stored, std::string_view password) {
  if (!is_password_hash(stored)) return verify_password(stored, password);
  const auto proof = impl_->prove(stored, password);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->knows(account, proof)) return true;
  }
  if (!verify_password(stored, password)) return false;
  const std::lock_guard lock(impl_->mutex);
  impl_->remember(account, proof);
  return true;
}

bool password_verifier::is_quick(std::string_view account, std::string_view stored, std::string_view password) const {
  if (!is_password_hash(stored)) return true;
  const auto proof = impl_->prove(stored, password);
  const std::lock_guard lock(impl_->mutex);
  return impl_->knows(account, proof);
}

std::size_t password_verifier::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->entries.size();
}

}  // namespace msgkit::app
