// Views over octets, big-endian integers, and conversions between text views and octet views.
// Functions that return a view return one into their argument.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace msgkit {

using bytes_view = std::span<const std::uint8_t>;
using byte_vector = std::vector<std::uint8_t>;

inline std::string_view as_text(bytes_view b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}
inline bytes_view as_bytes(std::string_view s) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

// Big-endian load and store. The caller guarantees that sizeof(T) octets are there.
template <class T>
constexpr T byte_swap_to_big(T v) noexcept {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return v;
  else if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(v));
  else if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(v));
  else return static_cast<T>(__builtin_bswap64(v));
}
template <class T>
T load_big(const std::uint8_t* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof v);
  return byte_swap_to_big(v);
}
template <class T>
void store_big(std::uint8_t* p, T v) noexcept {
  v = byte_swap_to_big(v);
  std::memcpy(p, &v, sizeof v);
}

inline void append(byte_vector& out, bytes_view b) { out.insert(out.end(), b.begin(), b.end()); }
inline void append(byte_vector& out, std::string_view s) { append(out, as_bytes(s)); }
template <class T>
void append_big(byte_vector& out, T v) {
  std::uint8_t octets[sizeof(T)];
  store_big(octets, v);
  append(out, bytes_view{octets});
}

}  // namespace msgkit
