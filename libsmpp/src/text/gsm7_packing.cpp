#include <algorithm>
#include <cassert>

#include "msgkit/smpp/text/gsm7.hpp"

namespace msgkit::smpp {
namespace {

constexpr std::uint8_t carriage_return = 0x0D;

// Least significant bit first, into whole octets.
class bit_writer {
 public:
  explicit bit_writer(byte_vector& out, std::size_t fill_bits) : out_(out), bits_(fill_bits) {}
  void put(std::uint8_t septet) {
    pending_ |= static_cast<std::uint32_t>(septet & 0x7F) << bits_;
    bits_ += 7;
    while (bits_ >= 8) {
      out_.push_back(static_cast<std::uint8_t>(pending_));
      pending_ >>= 8;
      bits_ -= 8;
    }
  }
  std::size_t bits_in_last_octet() const { return bits_; }
  void finish() {
    if (bits_ > 0) out_.push_back(static_cast<std::uint8_t>(pending_));
  }

 private:
  byte_vector& out_;
  std::uint32_t pending_ = 0;
  std::size_t bits_;
};

std::uint8_t septet_at(bytes_view packed, std::size_t bit) {
  const std::size_t octet = bit / 8;
  unsigned value = packed[octet];
  if (octet + 1 < packed.size()) value |= static_cast<unsigned>(packed[octet + 1]) << 8;
  return static_cast<std::uint8_t>(value >> bit % 8 & 0x7F);
}

std::size_t septets_in(bytes_view packed, std::size_t fill_bits) {
  const std::size_t bits = packed.size() * 8;
  return bits < fill_bits ? 0 : (bits - fill_bits) / 7;
}

}  // namespace

void gsm7_pack(bytes_view septets, std::size_t fill_bits, byte_vector& out, gsm7_padding padding) {
  assert(fill_bits < 7);
  if (septets.empty()) return;
  out.reserve(out.size() + gsm7_packed_octets(septets.size() + 1, fill_bits));
  bit_writer writer{out, fill_bits};
  for (const auto septet : septets) writer.put(septet);
  if (padding == gsm7_padding::carriage_return) {
    const bool seven_spare_bits = writer.bits_in_last_octet() == 1;
    const bool full = writer.bits_in_last_octet() == 0;
    if (seven_spare_bits || (full && septets.back() == carriage_return)) writer.put(carriage_return);
  }
  writer.finish();
}

void gsm7_unpack(bytes_view packed, std::size_t fill_bits, std::size_t septet_count, byte_vector& out) {
  assert(fill_bits < 7);
  const std::size_t count = std::min(septet_count, septets_in(packed, fill_bits));
  out.reserve(out.size() + count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(septet_at(packed, fill_bits + i * 7));
}

void gsm7_unpack(bytes_view packed, std::size_t fill_bits, byte_vector& out) {
  std::size_t count = septets_in(packed, fill_bits);
  const bool ends_on_octet = fill_bits + count * 7 == packed.size() * 8;
  if (count > 0 && ends_on_octet) {
    const auto last = septet_at(packed, fill_bits + (count - 1) * 7);
    if (last == carriage_return || last == 0) --count;
  }
  gsm7_unpack(packed, fill_bits, count, out);
}

}  // namespace msgkit::smpp
