#include "engine/wal_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "msgkit/core/bytes.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t header_octets = 32;
constexpr std::size_t frame_header_octets = 24;
constexpr std::size_t page_octets_min = 512, page_octets_max = 65'536;
constexpr std::uint32_t magic_little = 0x377F0682, magic_big = 0x377F0683;

struct checksum {
  std::uint32_t a = 0, b = 0;
  friend bool operator==(const checksum&, const checksum&) = default;
};

// `octets` has a multiple of 8.
checksum add(checksum sum, bytes_view octets, bool is_big) {
  const auto word = [&](std::size_t at) {
    const auto value = load_big<std::uint32_t>(&octets[at]);
    return is_big ? value : __builtin_bswap32(value);
  };
  for (std::size_t i = 0; i + 8 <= octets.size(); i += 8) {
    sum.a += word(i) + sum.b;
    sum.b += word(i + 4) + sum.a;
  }
  return sum;
}

checksum stored_checksum(bytes_view octets, std::size_t at) {
  return {load_big<std::uint32_t>(&octets[at]), load_big<std::uint32_t>(&octets[at + 4])};
}

bool is_sound_header(bytes_view header) {
  const auto magic = load_big<std::uint32_t>(header.data());
  const std::size_t page_octets = load_big<std::uint32_t>(&header[8]);
  return (magic == magic_little || magic == magic_big) && page_octets >= page_octets_min &&
         page_octets <= page_octets_max && add({}, header.first(24), magic == magic_big) == stored_checksum(header, 24);
}

// A header that one bit makes sound was sound once. Anything else is a write that was cut short, which happens only when
// the frames behind it are in the main file already; so does a difference in the checkpoint number, its first half.
bool has_flipped_bit(byte_vector header) {
  constexpr std::size_t number_begin = 12, number_end = 16;
  for (std::size_t at = 0; at < header_octets; at = at + 1 == number_begin ? number_end : at + 1)
    for (int bit = 0; bit < 8; ++bit) {
      header[at] = static_cast<std::uint8_t>(header[at] ^ 1u << bit);
      if (is_sound_header(header)) return true;
      header[at] = static_cast<std::uint8_t>(header[at] ^ 1u << bit);
    }
  return false;
}

struct log_file {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{nullptr, std::fclose};
  bool read(byte_vector& into) { return std::fread(into.data(), 1, into.size(), file.get()) == into.size(); }
};

}  // namespace

std::string check_wal(const std::string& path) {
  log_file log{{std::fopen(path.c_str(), "rbe"), std::fclose}};
  byte_vector header(header_octets);
  if (log.file == nullptr || !log.read(header)) return {};
  if (!is_sound_header(header)) return has_flipped_bit(header) ? "the header is damaged" : "";
  const bool is_big = load_big<std::uint32_t>(header.data()) == magic_big;
  byte_vector frame(frame_header_octets + load_big<std::uint32_t>(&header[8]));
  auto sum = stored_checksum(header, 24);
  std::size_t damaged = 0, number = 0;  // counted from 1
  bool transaction_ended = false;       // the one that the damaged frame belongs to
  while (log.read(frame)) {
    ++number;
    const bool is_ours = std::equal(&header[16], &header[24], &frame[8]);
    const bool is_commit = load_big<std::uint32_t>(&frame[4]) != 0;
    if (damaged == 0) {
      sum = add(add(sum, bytes_view{frame}.first(8), is_big), bytes_view{frame}.subspan(frame_header_octets), is_big);
      if (is_ours && sum == stored_checksum(frame, 16)) continue;
      damaged = number;
    }
    if (!is_ours) continue;  // of an earlier use of the file, or the damaged one itself
    if (transaction_ended)
      return fmt::format("frame {} is damaged, and transactions that were stored follow it", damaged);
    transaction_ended = is_commit;
  }
  return {};
}

}  // namespace msgkit::engine
