// Octets to PDUs and back. Pure functions; safe to call from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/smpp/diagnostics.hpp"
#include "msgkit/smpp/errc.hpp"
#include "msgkit/smpp/pdu.hpp"
#include "msgkit/smpp/peer_profile.hpp"

namespace msgkit::smpp {

// Where the next PDU ends. Returns 0 while fewer than four octets are there. Errors: errc::command_length_invalid for
// a length below 16 or above `pdu_bytes_max`, which no receiver can recover from.
result<std::size_t> frame_length(bytes_view octets, std::size_t pdu_bytes_max = pdu_bytes_max_default) noexcept;

// Decodes one PDU at the start of `frame`; octets beyond its command_length are not looked at. Views in the result
// point into `frame`. Deviations that real peers have are accepted and noted in `notes`, when given: always up to three
// trailing octets and any TLV, and in deliver_sm, receipts, binds and responses also long strings, odd times, a last
// TLV that is cut off, and a missing body; `profile` moves that line. Error responses may end anywhere.
// Errors, with field and offset: truncated, missing_terminator, invalid_time_length, message_too_long,
// user_data_header_invalid, tlv_stream_invalid, destination_flag_invalid, value_out_of_range (no destination),
// command_length_invalid.
result<pdu> decode(bytes_view frame, diagnostics* notes = nullptr,
                   const peer_profile& profile = default_profile) noexcept;

// The same for a caller that knows what to expect. Errors: also errc::command_unknown when `frame` holds another PDU.
template <class Pdu>
result<Pdu> decode_as(bytes_view frame, diagnostics* notes = nullptr,
                      const peer_profile& profile = default_profile) noexcept;

// Appends one encoded PDU to `out`, or nothing on error. A response with a status other than ok leaves its body out
// when it says nothing. Errors, with field: field_too_long, embedded_nul, invalid_time_length, value_out_of_range (no
// destination), destination_flag_invalid.
template <class Pdu>
result<void> encode(const Pdu& m, std::uint32_t sequence, byte_vector& out,
                    command_status status = command_status::ok, length_limits limits = length_limits::specification);

// The same into a buffer of the caller; returns the octets used. Errors: also errc::truncated when `out` is too small.
template <class Pdu>
result<std::size_t> encode_to(const Pdu& m, std::uint32_t sequence, std::span<std::uint8_t> out,
                              command_status status = command_status::ok,
                              length_limits limits = length_limits::specification) noexcept;

// Re-encodes whatever the variant holds, with the header's sequence and status. An unknown PDU keeps its body. With
// tolerated limits this succeeds for everything that decode() returned. Errors: as above.
result<void> encode(const pdu& p, byte_vector& out, length_limits limits = length_limits::specification);

// A PDU that owns its octets, for queues: `auto keep = own(m);`. Moving keeps views into it valid.
template <class Pdu>
class owned {
 public:
  owned() = default;
  owned(const owned& other) : octets_(other.octets_) { (void)rebind(); }  // these octets have been decoded before
  owned(owned&& other) noexcept
      : octets_(std::move(other.octets_)), view_(std::exchange(other.view_, Pdu{})) {}
  owned& operator=(owned other) noexcept {
    octets_.swap(other.octets_);
    std::swap(view_, other.view_);
    return *this;
  }
  [[nodiscard]] const Pdu& operator*() const noexcept { return view_; }
  [[nodiscard]] const Pdu* operator->() const noexcept { return &view_; }

  // Copies what decode() returned or what encode() accepts. Errors: as decode() and encode().
  static result<owned> copy(const Pdu& m) {
    owned made;
    if (auto ok = encode(m, 0, made.octets_, command_status::ok, length_limits::tolerated); !ok) return ok.error();
    if (auto ok = made.rebind(); !ok) return ok.error();
    return made;
  }

 private:
  result<void> rebind() noexcept {
    if (octets_.empty()) return {};
    const auto decoded = decode_as<Pdu>(octets_);
    if (!decoded) return decoded.error();
    view_ = *decoded;
    return {};
  }
  byte_vector octets_;
  Pdu view_{};
};

template <class Pdu>
result<owned<Pdu>> own(const Pdu& m) {
  return owned<Pdu>::copy(m);
}

}  // namespace msgkit::smpp
