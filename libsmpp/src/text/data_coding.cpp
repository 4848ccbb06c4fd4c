#include "msgkit/smpp/text/data_coding.hpp"

#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

constexpr std::string_view charset_names[] = {
    "gsm7",   "gsm7_packed", "ascii",       "latin1", "utf8",   "ucs2",  "cyrillic",
    "hebrew", "shift_jis",   "iso_2022_jp", "euc_jp", "euc_kr", "octets"};
static_assert(std::size(charset_names) == static_cast<std::size_t>(charset::octets) + 1);

charset gsm7_of(const coding_profile& profile) {
  return profile.default_charset == charset::gsm7_packed ? charset::gsm7_packed : charset::gsm7;
}

// SMPP 3.4 section 5.2.19, table for 0x00-0x0F.
data_coding_info classify_smpp(std::uint8_t data_coding, const coding_profile& p) {
  switch (data_coding) {
    case 0x00: return {.alphabet = p.default_charset};
    case 0x01: return {.alphabet = p.ia5};
    case 0x02:
    case 0x04: return {.alphabet = charset::octets};
    case 0x03: return {.alphabet = charset::latin1};
    case 0x05: return {.alphabet = p.jis};
    case 0x06: return {.alphabet = charset::cyrillic};
    case 0x07: return {.alphabet = charset::hebrew};
    case 0x08: return {.alphabet = charset::ucs2};
    case 0x09: return {.alphabet = charset::octets};  // pictograms: every operator has its own
    case 0x0A: return {.alphabet = charset::iso_2022_jp};
    case 0x0D: return {.alphabet = p.kanji};
    case 0x0E: return {.alphabet = p.korean};
    default: return {.alphabet = p.default_charset, .reserved = true};
  }
}

// TS 23.038 section 4, groups 00xx and 01xx (the latter adds automatic deletion, which SMPP does not see).
data_coding_info classify_general(std::uint8_t data_coding, charset gsm7) {
  data_coding_info out;
  switch (data_coding >> 2 & 3) {
    case 0: out.alphabet = gsm7; break;
    case 1: out.alphabet = charset::octets; break;
    case 2: out.alphabet = charset::ucs2; break;
    default: out = {.alphabet = gsm7, .reserved = true}; break;
  }
  out.compressed = (data_coding & 0x20) != 0;
  if ((data_coding & 0x10) != 0) out.cls = static_cast<message_class>(data_coding & 3);
  return out;
}

}  // namespace

std::string_view to_string(charset c) noexcept {
  const auto i = static_cast<std::size_t>(c);
  return i < std::size(charset_names) ? charset_names[i] : "unknown";
}

data_coding_info classify(std::uint8_t data_coding, const coding_profile& profile) noexcept {
  if (data_coding < 0x10) return classify_smpp(data_coding, profile);
  const charset gsm7 = gsm7_of(profile);
  const auto group = data_coding & 0xF0;
  if (group < 0x80) return classify_general(data_coding, gsm7);
  if (group < 0xC0) return {.alphabet = gsm7, .reserved = true};
  if (group == 0xF0) {
    return {.alphabet = (data_coding & 4) != 0 ? charset::octets : gsm7,
            .cls = static_cast<message_class>(data_coding & 3),
            .reserved = (data_coding & 8) != 0};
  }
  const waiting_indication waiting{.kind = static_cast<waiting_kind>(data_coding & 3),
                                   .active = (data_coding & 8) != 0,
                                   .store = group != 0xC0};
  return {.alphabet = group == 0xE0 ? charset::ucs2 : gsm7, .waiting = waiting, .reserved = (data_coding & 4) != 0};
}

result<std::uint8_t> data_coding_for(charset alphabet, std::optional<message_class> cls,
                                     const coding_profile& profile) {
  if (cls) {
    const auto number = static_cast<std::uint8_t>(*cls);
    if (alphabet == gsm7_of(profile)) return static_cast<std::uint8_t>(0xF0 | number);
    if (alphabet == charset::octets) return static_cast<std::uint8_t>(0xF4 | number);
    if (alphabet == charset::ucs2) return static_cast<std::uint8_t>(0x18 | number);
    return fault{make_error_code(text_errc::class_unavailable), "data_coding", 0};
  }
  // 0x04 rather than 0x02 for 8-bit data: TS 23.038 reads 0x02 as GSM 7-bit.
  if (alphabet == charset::octets) return std::uint8_t{0x04};
  for (std::uint8_t octet = 0; octet < 0x10; ++octet) {
    const auto info = classify(octet, profile);
    if (info.alphabet == alphabet && !info.reserved) return octet;
  }
  return fault{make_error_code(text_errc::not_representable), "data_coding", 0};
}

std::uint8_t data_coding_for(const waiting_indication& w, bool ucs2) noexcept {
  unsigned group = 0xC0;
  if (ucs2) group = 0xE0;  // there is no discarding group for UCS-2
  else if (w.store) group = 0xD0;
  return static_cast<std::uint8_t>(group | (w.active ? 8u : 0u) | static_cast<unsigned>(w.kind));
}

}  // namespace msgkit::smpp
