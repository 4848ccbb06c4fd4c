// How one peer differs from the specification and from other peers: everything the codec, the session and the text
// part ask about it, in one place. The defaults suit nearly everybody. What they accept is always noted as a
// diagnostic, and what all peers get the benefit of (bodies left out of error responses, foreign TLVs, odd sequence
// numbers, up to three trailing octets) is no option at all. Plain values; copy it freely.
//
//   smpp::peer_profile carrier{.texts_end_in_nul = true, .coding = {.default_charset = smpp::charset::latin1}};
//   const auto m = smpp::decode(frame, &notes, carrier);
//   smpp::session s({.role = smpp::role::esme, .profile = carrier}, now);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/smpp/header.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/receipt.hpp"
#include "msgkit/smpp/text/segmentation.hpp"
#include "msgkit/smpp/values.hpp"

namespace msgkit::smpp {

// Outside the messages an MC takes responsibility for, a C-octet string may be longer than specified up to this many
// octets, its NUL included.
constexpr std::size_t cstring_bytes_tolerated = 128;

// Strict: refused with the field's status. Lenient: strings of up to cstring_bytes_tolerated octets, times of any
// length, a last TLV that is cut off and a user data header that does not fit are accepted and noted.
enum class strictness : std::uint8_t { strict, lenient };

// What encoding insists on. `tolerated` is for peers that want longer strings than SMPP allows (passwords, mostly), and
// for copies of what decode() tolerated.
enum class length_limits : std::uint8_t { specification, tolerated };

// How an international number (TON 1) begins towards this peer.
enum class number_prefix : std::uint8_t { as_given, none, plus };

struct peer_profile {
  // ---- What we take from the peer (decode(), session)
  strictness messages = strictness::strict;  // submit_sm and all other requests an MC must be able to trust
  strictness others = strictness::lenient;   // receipts, binds, alerts, responses: refusing one loses an outcome
  bool payload_before_text = false;          // the latter of short_message and message_payload counts
  bool texts_end_in_nul = false;             // its texts end in a zero octet that is no character, and ours must too

  // ---- What the peer gets from us (session)
  length_limits limits = length_limits::specification;
  std::size_t pdu_bytes_sent_max = pdu_bytes_max_default;  // Kannel takes 7424
  std::size_t message_id_bytes_max = 65;                   // of our responses, with NUL; 9 for strict 3.3 clients
  bool error_responses_have_body = false;                  // empty fields instead of a bare header
  bool tlvs_below_3_4 = false;                             // says it speaks 3.3 and takes TLVs all the same

  // ---- How its answers are read (session, asks_to_slow_down())
  bool already_bound_is_success = true;     // ESME_RALYBND to the second of two binds that both work
  bool missing_version_is_3_3 = false;      // no sc_interface_version: 3.3, as specified; many 3.4 centres leave it out
  bool submit_failed_is_congestion = false;  // ESME_RSUBMITFAIL means "too fast"

  // ---- Text and ids
  coding_profile coding{};
  id_profile ids{};
  receipt_options receipts{};
  long_message_method long_messages = long_message_method::udh8;
  number_prefix numbers = number_prefix::as_given;

  friend bool operator==(const peer_profile&, const peer_profile&) = default;
};

// For calls that name no profile.
inline constexpr peer_profile default_profile{};

// Whether `s` means: slow down and send the same again later. ESME_RTHROTTLED, ESME_RMSGQFUL, and by profile
// ESME_RSUBMITFAIL.
bool asks_to_slow_down(command_status s, const peer_profile& profile = default_profile) noexcept;

// The number as this peer wants it: for TON 1 without its leading "+" or "00", or with "+". Other types of number are
// returned as they are.
std::string normalized_number(ton type, std::string_view number, const peer_profile& profile);

}  // namespace msgkit::smpp
