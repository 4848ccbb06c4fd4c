// submit_sm through libsmpp34, a C library (Debian libsmpp34-dev). Without TLVs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "references/hand_codec.hpp"

namespace msgkit::bench {

class libsmpp34_codec {
 public:
  explicit libsmpp34_codec(const hand_submit_sm& sample);
  ~libsmpp34_codec();
  libsmpp34_codec(const libsmpp34_codec&) = delete;
  libsmpp34_codec& operator=(const libsmpp34_codec&) = delete;

  // Octets written; 0 on failure.
  std::size_t pack(std::span<std::uint8_t> out) noexcept;
  // Precondition: `frame` came from pack(). The library takes no const buffer.
  bool unpack(std::span<std::uint8_t> frame) noexcept;

 private:
  struct messages;
  std::unique_ptr<messages> messages_;
};

}  // namespace msgkit::bench
