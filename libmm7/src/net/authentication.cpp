#include "msgkit/mm7/net/authentication.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "msgkit/core/hex.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"
#include "msgkit/core/secure.hpp"

namespace msgkit::mm7 {
namespace {

struct algorithm {
  std::string_view name;
  const EVP_MD* (*hash)();
  bool is_session;
};
// In the order of preference.
constexpr algorithm algorithms[] = {
    {"SHA-256", &EVP_sha256, false},
    {"SHA-256-sess", &EVP_sha256, true},
    {"MD5", &EVP_md5, false},
    {"MD5-sess", &EVP_md5, true},
};

// An absent name is MD5 (RFC 7616 section 3.3).
const algorithm* find_algorithm(std::string_view name) noexcept {
  if (name.empty()) name = "MD5";
  for (const auto& a : algorithms)
    if (mime::equal_ignoring_case(a.name, name)) return &a;
  return nullptr;
}

std::string hash(const algorithm& a, std::string_view octets) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  if (EVP_Digest(octets.data(), octets.size(), out.data(), &length, a.hash(), nullptr) != 1)
    throw std::runtime_error("OpenSSL refuses " + std::string(a.name));  // a system in FIPS mode, with MD5
  return to_hex(bytes_view{out.data(), length});
}

std::string random_hex(std::size_t octets) {
  byte_vector bytes(octets);
  if (RAND_bytes(bytes.data(), static_cast<int>(octets)) != 1) throw std::runtime_error("no entropy");
  return to_hex(bytes);
}

bool lists(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (mime::equal_ignoring_case(mime::trim(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

struct digest_values {
  std::string_view user, password, realm, nonce, count, client_nonce, quality;
};

// RFC 7616 section 3.4.1; without a quality as RFC 2069 had it.
std::string digest_response(const algorithm& a, const digest_values& v, const http_target& t, std::string_view uri) {
  const auto join = [](std::initializer_list<std::string_view> all) {
    std::string out;
    for (const auto one : all) (out += out.empty() ? "" : ":") += one;
    return out;
  };
  auto secret = hash(a, std::string(v.user) + ':' + std::string(v.realm) + ':' + std::string(v.password));
  if (a.is_session) secret = hash(a, join({secret, v.nonce, v.client_nonce}));
  auto request = std::string(t.method) + ':' + std::string(uri);
  if (v.quality == "auth-int") request += ':' + hash(a, as_text(t.body));
  const auto hashed = hash(a, request);
  if (v.quality.empty()) return hash(a, join({secret, v.nonce, hashed}));
  return hash(a, join({secret, v.nonce, v.count, v.client_nonce, v.quality, hashed}));
}

std::string_view quality_of(const http_authorization& challenge) noexcept {
  const auto offered = challenge.get("qop");
  if (lists(offered, "auth")) return "auth";
  if (lists(offered, "auth-int")) return "auth-int";
  return {};
}

}  // namespace

// ---- client

client_authentication::client_authentication(http_password password, client_scheme scheme)
    : password_(std::move(password)), scheme_(scheme), use_basic_(scheme == client_scheme::basic) {}

std::string client_authentication::authorize(const http_target& t) {
  if (challenge_) return digest(t);
  if (!use_basic_) return {};
  const auto value = basic_authorization(password_);
  return value ? *value : std::string{};
}

std::string client_authentication::digest(const http_target& t) {
  const auto& c = *challenge_;
  const auto* a = find_algorithm(c.get("algorithm"));
  std::array<char, 9> count{};
  std::snprintf(count.data(), count.size(), "%08x", ++count_);
  const auto client_nonce = random_hex(16);
  const auto quality = quality_of(c);
  const digest_values v{password_.user,  password_.password, c.get("realm"), c.get("nonce"),
                        {count.data(), 8}, client_nonce,       quality};
  std::string out = "Digest username=" + quoted(v.user) + ", realm=" + quoted(v.realm) + ", nonce=" + quoted(v.nonce) +
                    ", uri=" + quoted(t.uri) + ", response=\"" + digest_response(*a, v, t, t.uri) + '"';
  if (c.has("algorithm")) out.append(", algorithm=").append(a->name);
  if (c.has("opaque")) out += ", opaque=" + quoted(c.get("opaque"));
  if (!quality.empty()) {
    out.append(", qop=").append(quality).append(", nc=").append(v.count);
    out += ", cnonce=" + quoted(client_nonce);
  } else if (a->is_session) {
    out += ", cnonce=" + quoted(client_nonce);
  }
  return out;
}

bool client_authentication::challenged(const std::vector<std::string>& values, std::string_view sent) {
  if (!mime::is_safe_value(password_.user) || (password_.user.empty() && password_.password.empty())) return false;
  const http_authorization* best = nullptr;
  const algorithm* best_algorithm = nullptr;
  bool offers_basic = false;
  std::vector<std::vector<http_authorization>> all;
  for (const auto& value : values)
    if (auto parsed = parse_http_authorization(value)) all.push_back(*std::move(parsed));
  for (const auto& list : all) {
    for (const auto& c : list) {
      offers_basic = offers_basic || c.is("Basic");
      const auto* a = c.is("Digest") ? find_algorithm(c.get("algorithm")) : nullptr;
      const bool is_usable = a != nullptr && c.has("nonce") && (!c.has("qop") || !quality_of(c).empty());
      if (!is_usable || (best_algorithm != nullptr && a >= best_algorithm)) continue;
      best = &c;
      best_algorithm = a;
    }
  }
  const bool sent_digest = mime::starts_ignoring_case(sent, "Digest "), sent_basic = mime::starts_ignoring_case(sent, "Basic ");
  if (best != nullptr && scheme_ != client_scheme::basic) {
    const bool is_stale = mime::equal_ignoring_case(best->get("stale"), "true");
    // Refused with the nonce we hold: the password is wrong. With another one: a parallel request has renewed it since.
    const bool is_current = challenge_ && sent.find(quoted(challenge_->get("nonce"))) != std::string_view::npos;
    if (sent_digest && !is_stale && is_current) return false;
    challenge_ = *best;
    count_ = 0;
    return true;
  }
  if (!offers_basic || scheme_ == client_scheme::digest || sent_basic) return false;
  challenge_.reset();
  use_basic_ = true;
  return true;
}

// ---- server

server_authentication::server_authentication(server_authentication_options options)
    : options_(std::move(options)), key_(random_hex(32)) {}

std::variant<std::string, http_reply> server_authentication::check(const http_target& t, std::string_view authorization,
                                                                   time_point now) {
  const auto parsed = parse_http_authorization(authorization);
  if (!parsed || parsed->size() != 1) return challenge(false, now);
  const auto& a = parsed->front();
  if (options_.basic && a.is("Basic")) {
    const auto given = parse_basic_authorization(a);
    if (!given) return challenge(false, now);
    const auto password = options_.password_of(given->user);
    // The comparison takes its time for unknown users too.
    const bool fits = constant_time_equal(password.value_or(key_), given->password);
    if (fits && password) return given->user;
    return challenge(false, now);
  }
  if (!options_.digest || !a.is("Digest")) return challenge(false, now);
  const auto found = check_digest(a, t, now);
  if (found == finding::good) return std::string(a.get("username"));
  return challenge(found == finding::stale, now);
}

server_authentication::finding server_authentication::check_digest(const http_authorization& a, const http_target& t,
                                                                   time_point now) {
  const auto* algorithm = find_algorithm(a.get("algorithm"));
  const auto quality = a.get("qop");
  const auto count_text = a.get("nc");
  std::uint32_t count = 0;
  const auto [end, ec] = std::from_chars(count_text.data(), count_text.data() + count_text.size(), count, 16);
  const bool is_formed = algorithm != nullptr && (quality == "auth" || quality == "auth-int") && count_text.size() == 8 &&
                         ec == std::errc{} && end == count_text.data() + 8 && count != 0 && !a.get("cnonce").empty();
  if (!is_formed || a.get("realm") != options_.realm || a.get("uri") != t.uri) return finding::bad;
  const auto password = options_.password_of(a.get("username"));
  const std::string secret = password.value_or(key_);
  const digest_values v{a.get("username"), secret, options_.realm, a.get("nonce"), count_text, a.get("cnonce"), quality};
  const auto expected = digest_response(*algorithm, v, t, t.uri);
  const bool fits = constant_time_equal(expected, mime::lower(a.get("response")));
  if (!fits || !password) return finding::bad;
  // Only who knows the password learns that his nonce is too old.
  if (!is_fresh(a.get("nonce"), now)) return finding::stale;
  return use(std::string(a.get("nonce")), count);
}

server_authentication::finding server_authentication::use(const std::string& nonce, std::uint32_t count) {
  auto found = by_nonce_.find(nonce);
  if (found == by_nonce_.end()) {
    // Made before one that was forgotten: nobody knows any more which of its counts were used.
    const auto serial = nonce.substr(16, 16);
    if (serial <= forgotten_) return finding::stale;
    if (used_.size() >= options_.nonces_max) {
      forgotten_ = std::max(forgotten_, used_.front().nonce.substr(16, 16));
      by_nonce_.erase(used_.front().nonce);
      used_.pop_front();
    }
    used_.push_back({.nonce = nonce});
    found = by_nonce_.emplace(nonce, std::prev(used_.end())).first;
  }
  auto& n = *found->second;
  if (count > n.highest) {
    const auto step = count - n.highest;
    n.seen = step >= 64 ? 1 : (n.seen << step) | 1;
    n.highest = count;
    return finding::good;
  }
  const auto behind = n.highest - count;
  if (behind >= 64 || ((n.seen >> behind) & 1) != 0) return finding::stale;
  n.seen |= std::uint64_t{1} << behind;
  return finding::good;
}

std::string server_authentication::make_nonce(time_point now) {
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(at),
                static_cast<unsigned long long>(++nonce_count_));
  std::array<std::uint8_t, 32> seal{};
  unsigned length = 0;
  const auto data = as_bytes(std::string_view(text.data(), 32));
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), data.data(), data.size(), seal.data(), &length);
  return std::string(text.data(), 32) + to_hex(bytes_view{seal.data(), 16});
}

bool server_authentication::is_fresh(std::string_view nonce, time_point now) const {
  if (nonce.size() != 64) return false;
  const auto data = as_bytes(nonce.substr(0, 32));
  std::array<std::uint8_t, 32> seal{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), data.data(), data.size(), seal.data(), &length);
  if (!constant_time_equal(to_hex(bytes_view{seal.data(), 16}), nonce.substr(32))) return false;
  std::uint64_t at = 0;
  std::from_chars(nonce.data(), nonce.data() + 16, at, 16);
  const auto made = time_point(std::chrono::milliseconds(static_cast<std::int64_t>(at)));
  return now - made <= options_.nonce_lifetime;
}

http_reply server_authentication::challenge(bool is_stale, time_point now) {
  http_reply r{.status = 401, .content_type = "text/plain; charset=utf-8"};
  constexpr std::string_view text = "authentication is required";
  r.body.assign(text.begin(), text.end());
  if (options_.digest) {
    for (const std::string_view name : {"SHA-256", "MD5"})
      r.fields.emplace_back("WWW-Authenticate", "Digest realm=" + quoted(options_.realm) + ", qop=\"auth, auth-int\", algorithm=" +
                                                    std::string(name) + ", nonce=\"" + make_nonce(now) + '"' +
                                                    (is_stale ? ", stale=true" : ""));
  }
  if (options_.basic) r.fields.emplace_back("WWW-Authenticate", "Basic realm=" + quoted(options_.realm) + ", charset=\"UTF-8\"");
  return r;
}

}  // namespace msgkit::mm7
