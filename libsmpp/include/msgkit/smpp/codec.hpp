// Octets to PDUs and back. Pure functions; safe to call from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/smpp/diagnostics.hpp"
#include "msgkit/smpp/errc.hpp"
#include "msgkit/smpp/pdu.hpp"

namespace msgkit::smpp {

// Where the next PDU ends. Returns 0 while fewer than four octets are there. Errors: errc::command_length_invalid for
// a length below 16 or above `pdu_bytes_max`, which no receiver can recover from.
result<std::size_t> frame_length(bytes_view octets, std::size_t pdu_bytes_max = pdu_bytes_max_default) noexcept;

// Decodes one PDU at the start of `frame`; octets beyond its command_length are not looked at. Views in the result
// point into `frame`. Deviations that real peers have are accepted and noted in `notes`, when given.
// Errors, with field and offset: truncated, missing_terminator, invalid_time_length, message_too_long,
// tlv_stream_invalid, destination_flag_invalid, command_length_invalid.
result<pdu> decode(bytes_view frame, diagnostics* notes = nullptr) noexcept;

// The same for a caller that knows what to expect. Errors: also errc::command_unknown when `frame` holds another PDU.
template <class Pdu>
result<Pdu> decode_as(bytes_view frame, diagnostics* notes = nullptr) noexcept;

// Appends one encoded PDU to `out`, or nothing on error. A response with a status other than ok leaves its body out
// when it says nothing. Errors, with field: field_too_long, embedded_nul, invalid_time_length, value_out_of_range.
template <class Pdu>
result<void> encode(const Pdu& m, std::uint32_t sequence, byte_vector& out,
                    command_status status = command_status::ok);

// The same into a buffer of the caller; returns the octets used. Errors: also errc::truncated when `out` is too small.
template <class Pdu>
result<std::size_t> encode_to(const Pdu& m, std::uint32_t sequence, std::span<std::uint8_t> out,
                              command_status status = command_status::ok) noexcept;

// Re-encodes whatever the variant holds, with the header's sequence and status. An unknown PDU keeps its body.
result<void> encode(const pdu& p, byte_vector& out);

// A PDU that owns its octets, for queues: `owned<submit_sm> keep = own(m);`.
template <class Pdu>
class owned {
 public:
  owned() = default;
  owned(const owned& other) : octets_(other.octets_) { rebind(); }
  owned(owned&& other) noexcept : octets_(std::move(other.octets_)) { rebind(); other.view_ = {}; }
  owned& operator=(owned other) noexcept {
    octets_.swap(other.octets_);
    rebind();
    return *this;
  }
  [[nodiscard]] const Pdu& operator*() const noexcept { return view_; }
  [[nodiscard]] const Pdu* operator->() const noexcept { return &view_; }

  // Errors: as encode().
  static result<owned> copy(const Pdu& m) {
    owned made;
    if (auto ok = encode(m, 0, made.octets_); !ok) return ok.error();
    made.rebind();
    return made;
  }

 private:
  void rebind() noexcept {
    view_ = {};
    if (octets_.empty()) return;
    if (auto decoded = decode_as<Pdu>(octets_)) view_ = *decoded;
  }
  byte_vector octets_;
  Pdu view_{};
};

template <class Pdu>
result<owned<Pdu>> own(const Pdu& m) {
  return owned<Pdu>::copy(m);
}

}  // namespace msgkit::smpp
