// Cutting a long text or binary message into short messages (3GPP TS 23.040 section 9.2.3.24, SMPP 3.4 5.3.2.22-24).
// No part ever splits an ESC pair, a surrogate pair or a multi-octet character, and none separates a combining mark or
// a joiner sequence from its base when the message needs no more parts for that. Functions are pure.
//
//   smpp::reference_counter references;
//   auto parts = smpp::split_text(text, choice.coding, {.reference = references.next(from, to)});
//   for (const auto& part : parts->parts) submit(part.octets, parts->has_header ? esm_udhi : 0);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/udh.hpp"

namespace msgkit::smpp {

constexpr std::size_t user_data_octets_max = 140;       // TP-UD of one short message
constexpr std::size_t message_payload_octets_max = 65'535;
constexpr std::size_t part_count_max = 255;

// What one short message holds behind a header of `header_octets` (UDHL included): septets for GSM 7-bit, 16-bit units
// for UCS-2, octets for everything else. Unpacked septets still count as packed: that is how they reach the phone.
constexpr std::size_t part_capacity(charset alphabet, std::size_t header_octets,
                                    std::size_t user_data_octets = user_data_octets_max) noexcept {
  const std::size_t room = header_octets < user_data_octets ? user_data_octets - header_octets : 0;
  if (alphabet == charset::gsm7 || alphabet == charset::gsm7_packed) {
    // Text begins on a septet boundary: the header takes whole septets, fill bits included.
    const std::size_t header_septets = (header_octets * 8 + 6) / 7;
    const std::size_t septets = user_data_octets * 8 / 7;
    return header_septets < septets ? septets - header_septets : 0;
  }
  return alphabet == charset::ucs2 ? room / 2 : room;
}

enum class long_message_method : std::uint8_t {
  udh8,     // concatenation element with an 8-bit reference
  udh16,    // with a 16-bit reference
  sar,      // sar_msg_ref_num, sar_total_segments, sar_segment_seqnum; the SMSC builds the header
  payload,  // one message_payload; the SMSC cuts
};

struct split_options {
  long_message_method method = long_message_method::udh8;
  std::uint16_t reference = 0;           // udh8 uses the low octet; see `sar_wide`
  // SAR: leave room for the 16-bit element (152 septets) and use the whole reference. Otherwise room for the 8-bit one
  // (153 septets), and the low octet alone, so that the SMSC can use it.
  bool sar_wide = false;
  std::size_t parts_max = part_count_max;               // 1..255
  std::size_t user_data_octets = user_data_octets_max;  // less where a carrier takes less
  bytes_view elements{};                 // further information elements for every part, e.g. ports; without UDHL
};

struct message_part {
  byte_vector octets;             // header, if any, and body: goes into short_message or message_payload
  std::size_t header_octets = 0;  // how many of them are header
  concatenation position{};       // for SAR the values of the three TLVs

  bytes_view body() const noexcept { return bytes_view{octets}.subspan(header_octets); }
};

struct split_message {
  std::vector<message_part> parts;
  bool has_header = false;  // set UDHI (0x40) in esm_class
  // Put `position` of each part into the sar_* TLVs. Never together with has_header: SMSCs refuse both, so that method
  // sar turns into udh8 (udh16 with sar_wide) when elements or languages need a header anyway.
  bool sar_tlvs = false;
  bool payload = false;   // the only part belongs into message_payload
};

// A text that fits one short message becomes one part without concatenation (method payload: always one part).
// Errors: as encode_text; text_errc::too_many_parts; text_errc::no_room when headers leave none;
// text_errc::text_too_long for more than 65 535 octets of payload; text_errc::header_too_long;
// errors of split_user_data for malformed `elements`.
result<split_message> split_text(std::string_view utf8, const text_coding& coding, const split_options& options = {});

// The same for octets that are encoded already, in `coding`; charset::octets may be cut anywhere. Septets are unpacked
// also for gsm7_packed, and are packed part by part.
result<split_message> split_octets(bytes_view octets, const text_coding& coding, const split_options& options = {});

// Reference numbers that do not repeat soon for the same (source, destination). Memory is fixed: pairs share a slot by
// hash, which only makes their numbers skip. Not thread-safe.
class reference_counter {
 public:
  // `seed` moves the first numbers, so that a restarted process does not repeat those of the last one.
  explicit reference_counter(std::uint64_t seed = 0, std::size_t slots = 4096);
  std::uint16_t next(std::string_view source, std::string_view destination);

 private:
  std::vector<std::uint16_t> slots_;
};

}  // namespace msgkit::smpp
