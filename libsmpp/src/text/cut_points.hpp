// Where encoded octets may be cut. Octets are unpacked: septets for GSM 7-bit, big-endian units for UCS-2.
#pragma once

#include <cstddef>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/text/data_coding.hpp"

namespace msgkit::smpp {

class cut_points {
 public:
  cut_points(bytes_view octets, const text_coding& coding) : octets_(octets), coding_(coding) {}

  // The end of the longest part that starts at `from`, has at most `limit` octets and splits no character.
  // Returns `from` when not even one character fits.
  std::size_t hard(std::size_t from, std::size_t limit) const;

  // At or before `hard_end`, the last place behind `from` that also keeps combining marks and joiner sequences whole;
  // `hard_end` when there is none.
  std::size_t soft(std::size_t from, std::size_t hard_end) const;

  // How many parts the octets from `from` make when every one is as long as possible; stops counting above `most`.
  // 0 when a character does not fit a part.
  std::size_t count(std::size_t from, std::size_t limit, std::size_t most) const;

 private:
  std::size_t character_octets(std::size_t at) const;
  char32_t character_at(std::size_t at) const;

  bytes_view octets_;
  text_coding coding_;
};

}  // namespace msgkit::smpp
