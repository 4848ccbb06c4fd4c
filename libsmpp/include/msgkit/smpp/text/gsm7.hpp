// GSM 7-bit alphabets (3GPP TS 23.038 section 6.2): default and extension tables, national languages as locking and
// single shift, and packing of septets into octets. "Septets" here are unpacked: one septet an octet, high bit clear,
// which is what nearly every SMSC expects with data_coding 0. All functions are pure and thread-safe.
//
//   byte_vector septets;
//   if (smpp::gsm7_encode("caf\u00e9 \u20ac5", {}, septets)) send(septets);       // 8 septets: the euro sign costs two
//   auto text = smpp::gsm7_decode(septets);                                       // text.text, text.irregular
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::smpp {

// National language identifiers, section 6.2.1.2.4. Spanish has a single shift table only.
enum class gsm7_language : std::uint8_t {
  none, turkish, spanish, portuguese, bengali, gujarati, hindi, kannada, malayalam, oriya, punjabi, tamil, telugu, urdu
};
constexpr std::uint8_t gsm7_language_last = 13;

std::string_view to_string(gsm7_language language) noexcept;  // "turkish"; unknown values give "unknown"
constexpr bool has_locking_table(gsm7_language l) noexcept {
  return l != gsm7_language::none && l != gsm7_language::spanish && static_cast<std::uint8_t>(l) <= gsm7_language_last;
}

// Which tables are in use. Each one that is not `none` costs an information element in the user data header.
struct gsm7_alphabet {
  gsm7_language locking = gsm7_language::none;  // replaces the default alphabet
  gsm7_language single = gsm7_language::none;   // replaces the extension reached by ESC

  friend bool operator==(const gsm7_alphabet&, const gsm7_alphabet&) = default;
};

// How many septets `utf8` needs, or nothing when a character has no place in the alphabet (or the text is ill-formed).
std::optional<std::size_t> gsm7_septets(std::string_view utf8, gsm7_alphabet alphabet = {}) noexcept;

// Appends the septets of `utf8` to `out`.
// Errors: text_errc::not_representable with the octet offset in `utf8`; `out` is then as it was.
result<void> gsm7_encode(std::string_view utf8, gsm7_alphabet alphabet, byte_vector& out);

// As gsm7_encode, but writes '?' for what has no place. Returns how many characters that were.
std::size_t gsm7_encode_lossy(std::string_view utf8, gsm7_alphabet alphabet, byte_vector& out);

struct gsm7_text {
  std::string text;        // UTF-8
  bool irregular = false;  // something was substituted, see below
};

// Never fails; each of these sets `irregular`: ESC before a position that the extension leaves empty shows the
// character of the basic table; ESC ESC or ESC at the end shows a space; an unassigned position shows a space; an octet
// >= 0x80 shows U+FFFD; a language without a table uses the default one.
gsm7_text gsm7_decode(bytes_view septets, gsm7_alphabet alphabet = {});
// Appends to `out`; returns `irregular`.
bool gsm7_decode(bytes_view septets, gsm7_alphabet alphabet, std::string& out);

// --- Packing, section 6.1.2.1: septet i occupies bits 7i..7i+6, least significant bit first. ---

// Fill bits between a user data header of `header_octets` (UDHL included; 0 = none) and the first septet: 0..6.
constexpr std::size_t gsm7_fill_bits(std::size_t header_octets) noexcept { return (7 - header_octets * 8 % 7) % 7; }

// Octets that `septets` occupy when packed behind `fill_bits`.
constexpr std::size_t gsm7_packed_octets(std::size_t septets, std::size_t fill_bits = 0) noexcept {
  return (septets * 7 + fill_bits + 7) / 8;
}

enum class gsm7_padding : std::uint8_t {
  carriage_return,  // section 6.1.2.3.1: CR fills seven spare bits, and follows a CR that ends on an octet boundary
  zero,             // some SMSCs; seven spare bits then read as '@'
};

// Appends packed octets. High bits of the input are ignored. `fill_bits` is 0..6.
void gsm7_pack(bytes_view septets, std::size_t fill_bits, byte_vector& out,
               gsm7_padding padding = gsm7_padding::carriage_return);

// Appends exactly `septet_count` septets, or as many as `packed` holds if that is fewer.
void gsm7_unpack(bytes_view packed, std::size_t fill_bits, std::size_t septet_count, byte_vector& out);

// For SMPP, which carries no septet count: appends every septet, without the one that padding may have made: when the
// septets end on the octet boundary, a last CR or '@' is dropped. Hence a text of 8n septets that ends in '@' loses it,
// and one that ends in CR on the boundary comes back with two; TS 23.038 accepts both.
void gsm7_unpack(bytes_view packed, std::size_t fill_bits, byte_vector& out);

}  // namespace msgkit::smpp
