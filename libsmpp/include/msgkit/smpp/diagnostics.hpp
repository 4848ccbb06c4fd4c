// What a decoder accepted although the specification asks for something else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace msgkit::smpp {

enum class diagnostic_kind : std::uint8_t {
  trailing_octets,           // up to three octets after the last field
  missing_terminator,        // last C-octet string of the body ends at the end of the PDU
  missing_fields,            // a response ends before its last field
  field_too_long,            // longer than the specification allows, within what we tolerate
  invalid_time_length,       // a time is neither empty nor 16 characters
  truncated_tlv,             // the last TLV declares more octets than there are; its value is what is there
  tlv_wrong_length,          // known tag, length outside its limits
  duplicate_tlv,             // a tag that may not repeat does; the first one counts
  ambiguous_message,         // both short_message and message_payload hold text
  user_data_header_invalid,  // UDHI is set and the header is longer than the message
  status_in_request,         // command_status of a request is not zero
};

std::string_view to_string(diagnostic_kind kind) noexcept;

struct diagnostic {
  std::string_view field{};  // static storage
  std::size_t offset = 0;    // octets from the start of the PDU
  diagnostic_kind kind{};
};

// Keeps the first few without allocating and counts the rest.
class diagnostics {
 public:
  void add(diagnostic d) noexcept {
    if (count_ < kept_.size()) kept_[count_] = d;
    ++count_;
  }
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] std::span<const diagnostic> kept() const noexcept {
    return {kept_.data(), count_ < kept_.size() ? count_ : kept_.size()};
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  std::array<diagnostic, 16> kept_{};
  std::size_t count_ = 0;
};

}  // namespace msgkit::smpp
