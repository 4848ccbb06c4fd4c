#include "sha1.hpp"

#include <bit>
#include <cstring>

#include "msgkit/core/bytes.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::size_t block_bytes = 64;
using state = std::array<std::uint32_t, 5>;

void mix_in(state& h, const std::uint8_t* block) noexcept {
  std::array<std::uint32_t, 80> w;
  for (std::size_t i = 0; i < 16; ++i) w[i] = load_big<std::uint32_t>(block + 4 * i);
  for (std::size_t i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = h;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t f, k;
    if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
    else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
    else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
    else f = b ^ c ^ d, k = 0xCA62C1D6;
    const std::uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) noexcept {
  state h{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  auto rest = as_bytes(text);
  for (; rest.size() >= block_bytes; rest = rest.subspan(block_bytes)) mix_in(h, rest.data());

  // The rest, a one bit, and the length in the last eight octets of the last block.
  std::array<std::uint8_t, 2 * block_bytes> end{};
  if (!rest.empty()) std::memcpy(end.data(), rest.data(), rest.size());
  end[rest.size()] = 0x80;
  const std::size_t size = rest.size() + 9 <= block_bytes ? block_bytes : 2 * block_bytes;
  store_big(end.data() + size - 8, bits);
  for (std::size_t at = 0; at < size; at += block_bytes) mix_in(h, end.data() + at);

  std::array<std::uint8_t, 20> out;
  for (std::size_t i = 0; i < h.size(); ++i) store_big(out.data() + 4 * i, h[i]);
  return out;
}

}  // namespace msgkit::xmppcomp
