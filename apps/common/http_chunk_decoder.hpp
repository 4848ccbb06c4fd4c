// Decodes the chunked transfer coding (RFC 9112 section 7.1), strictly and octet by octet.
//
// Our own, because Boost.Beast's decoder asserts when the closing chunk of an empty body arrives in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "msgkit/core/bytes.hpp"

namespace msgkit::app {

class http_chunk_decoder {
 public:
  enum class verdict : std::uint8_t { need_more, complete, refused, too_large };

  // Of size lines with their extensions, each, and of the trailers, together.
  static constexpr std::size_t line_bytes_max = 8 * 1024;

  // Decoded octets go to `body` when `keep`, and are counted either way. `consumed` is how much of `octets` belonged
  // to the body; after complete the rest belongs to the next request.
  verdict feed(bytes_view octets, std::size_t body_bytes_max, bool keep, std::string& body, std::size_t& consumed);

 private:
  enum class state : std::uint8_t {
    size_start, size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer, trailer_lf, end_lf, done, bad
  };
  bool step(std::uint8_t c);
  bool in_size(std::uint8_t c);

  state state_ = state::size_start;
  std::uint64_t left_ = 0;  // of this chunk
  std::size_t digits_ = 0;
  std::size_t line_bytes_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace msgkit::app
