// What a data_coding octet means (SMPP 3.4 section 5.2.19, 3GPP TS 23.038 section 4), and text in those alphabets.
// Text is UTF-8 on our side. All functions are thread-safe; those that need the C library's converters keep one per
// thread.
//
//   auto text = smpp::decode_text(pdu.short_message, pdu.data_coding);            // result<decoded_text>
//   auto choice = smpp::choose_coding("\u041f\u0440\u0438\u0432\u0435\u0442");    // ucs2, data_coding 0x08
//   auto octets = smpp::encode_text("\u041f\u0440\u0438\u0432\u0435\u0442", choice.coding);
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/smpp/text/gsm7.hpp"

namespace msgkit::smpp {

enum class charset : std::uint8_t {
  gsm7,         // unpacked septets
  gsm7_packed,  // packed septets
  ascii,
  latin1,       // ISO-8859-1
  utf8,
  ucs2,         // UTF-16 big endian; surrogate pairs pass
  cyrillic,     // ISO-8859-5
  hebrew,       // ISO-8859-8
  shift_jis,    // JIS X 0208 as it is sent in practice, read as CP932
  iso_2022_jp,
  euc_jp,       // JIS X 0212
  euc_kr,       // KS C 5601, read as CP949
  octets,       // 8-bit data, no characters
};
std::string_view to_string(charset c) noexcept;

enum class message_class : std::uint8_t { flash = 0, mobile = 1, sim = 2, terminal = 3 };

enum class waiting_kind : std::uint8_t { voicemail = 0, fax = 1, email = 2, other = 3 };
struct waiting_indication {
  waiting_kind kind = waiting_kind::voicemail;
  bool active = false;
  bool store = false;  // false: the text may be discarded
  friend bool operator==(const waiting_indication&, const waiting_indication&) = default;
};

// How one peer uses the octet. The alphabets behind 0x00, 0x01, 0x05, 0x0D and 0x0E differ between operators.
struct coding_profile {
  charset default_charset = charset::gsm7;  // 0x00, and the GSM 7-bit groups when it is gsm7_packed
  charset ia5 = charset::ascii;             // 0x01; some carriers mean gsm7
  charset jis = charset::shift_jis;         // 0x05
  charset kanji = charset::euc_jp;          // 0x0D
  charset korean = charset::euc_kr;         // 0x0E
  friend bool operator==(const coding_profile&, const coding_profile&) = default;
};

struct data_coding_info {
  charset alphabet = charset::gsm7;
  std::optional<message_class> cls{};
  std::optional<waiting_indication> waiting{};
  bool compressed = false;
  bool reserved = false;  // a value without a meaning; read as the default alphabet, as TS 23.038 asks
  friend bool operator==(const data_coding_info&, const data_coding_info&) = default;
};

// 0x00-0x0F by SMPP, everything else by TS 23.038. Total: every octet has an answer.
data_coding_info classify(std::uint8_t data_coding, const coding_profile& profile = {}) noexcept;

// The octet for an alphabet, optionally with a message class (0xF0 group for 7 and 8 bit, 0x18 group for UCS-2).
// Errors: text_errc::class_unavailable (Latin-1 flash, say); not_representable when the profile has no octet for the
// alphabet (gsm7 without class towards a peer whose 0x00 is Latin-1).
result<std::uint8_t> data_coding_for(charset alphabet, std::optional<message_class> cls = {},
                                     const coding_profile& profile = {});
std::uint8_t data_coding_for(const waiting_indication& indication, bool ucs2 = false) noexcept;

// --- Text to octets and back ---

struct decoded_text {
  std::string text;        // UTF-8, always well-formed
  bool irregular = false;  // something was replaced (U+FFFD, space) or dropped, or the data_coding is reserved
};

// What the user data header in front of the octets says about them.
struct text_context {
  gsm7_alphabet alphabet{};        // from the language elements
  std::size_t header_octets = 0;   // UDHL included; places the first packed septet
};

// `octets` is the text alone, without a user data header. The result has at most 4 octets per input octet.
// Errors: text_errc::not_text, text_errc::charset_unavailable, and text_errc::compressed (by data_coding only).
result<decoded_text> decode_text(bytes_view octets, charset alphabet, const text_context& context = {});
result<decoded_text> decode_text(bytes_view octets, std::uint8_t data_coding, const coding_profile& profile = {},
                                 const text_context& context = {});

// Errors: text_errc::not_representable with the octet offset in `utf8`, text_errc::charset_unavailable, and
// text_errc::not_text for charset::octets.
struct text_coding {
  charset alphabet = charset::gsm7;
  gsm7_alphabet languages{};  // for gsm7 and gsm7_packed
  friend bool operator==(const text_coding&, const text_coding&) = default;
};
result<byte_vector> encode_text(std::string_view utf8, const text_coding& coding, std::size_t header_octets = 0);

// --- Choice of a coding ---

struct choose_options {
  std::optional<message_class> cls{};
  bool national_languages = false;  // consider each language's single shift, locking shift and both
  std::uint16_t languages = 0x3FFE; // which, as bits 1 << gsm7_language; used with national_languages
  bool latin1 = false;              // many SMSCs transcode 0x03 badly, hence opt-in
  coding_profile profile{};
};
struct coding_choice {
  text_coding coding{};
  std::uint8_t data_coding = 0;
  std::size_t units = 0;  // septets, octets or 16-bit units, without any header
};

// A coding that represents all of `utf8`: the alphabet of 0x00 if it can, else whichever of national languages,
// Latin-1 and UCS-2 needs the fewest short messages (the earlier of this list when equal). Always succeeds: ill-formed
// UTF-8 ends in UCS-2 with U+FFFD. A class that 0x00 cannot express skips it in favour of GSM 7-bit (0xF0 group).
coding_choice choose_coding(std::string_view utf8, const choose_options& options = {});

}  // namespace msgkit::smpp
