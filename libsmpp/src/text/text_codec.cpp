// decode_text and encode_text: one small function per family of alphabets.
#include <algorithm>

#include "iconv_converter.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

fault fail(text_errc e, std::size_t offset = 0) { return {make_error_code(e), "text", offset}; }

decoded_text decode_ascii(bytes_view octets) {
  decoded_text out;
  out.text.reserve(octets.size());
  for (const auto octet : octets) {
    append_utf8(out.text, octet < 0x80 ? octet : replacement_character);
    out.irregular = out.irregular || octet >= 0x80;
  }
  return out;
}

decoded_text decode_utf8(bytes_view octets) {
  const auto text = as_text(octets);
  decoded_text out;
  out.text.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) append_utf8(out.text, next_code_point(text, i, out.irregular));
  return out;
}

decoded_text decode_ucs2(bytes_view octets) {
  decoded_text out;
  const auto starts_with = [&](std::uint8_t a, std::uint8_t b) {
    return octets.size() >= 2 && octets[0] == a && octets[1] == b;
  };
  if (starts_with(0xFE, 0xFF)) {
    octets = octets.subspan(2);
  } else if (starts_with(0xFF, 0xFE)) {  // U+FFFE is no character: the sender is little endian
    byte_vector swapped(octets.begin() + 2, octets.end());
    for (std::size_t i = 0; i + 1 < swapped.size(); i += 2) std::swap(swapped[i], swapped[i + 1]);
    out.text = utf16be_to_utf8(swapped);
    out.irregular = true;
    return out;
  }
  out.text = utf16be_to_utf8(octets, &out.irregular);
  return out;
}

decoded_text decode_packed(bytes_view octets, const text_context& context) {
  byte_vector septets;
  gsm7_unpack(octets, gsm7_fill_bits(context.header_octets), septets);
  auto text = gsm7_decode(septets, context.alphabet);
  return {std::move(text.text), text.irregular};
}

// Each octet that does not convert becomes U+FFFD and conversion resumes behind it.
result<decoded_text> decode_iconv(bytes_view octets, charset alphabet) {
  auto* converter = converter_for(alphabet, conversion::to_utf8);
  if (converter == nullptr) return fail(text_errc::charset_unavailable);
  decoded_text out;
  auto rest = as_text(octets);
  while (!rest.empty()) {
    const auto stopped = converter->convert(rest, out.text);
    if (!stopped) break;
    out.irregular = true;
    append_utf8(out.text, replacement_character);
    rest.remove_prefix(std::min(*stopped + 1, rest.size()));
  }
  return out;
}

// Alphabets that are the first `limit` code points, one octet each.
result<byte_vector> encode_direct(std::string_view utf8, char32_t limit) {
  byte_vector out;
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t start = i;
    bool ill_formed = false;
    const char32_t c = next_code_point(utf8, i, ill_formed);
    if (c >= limit) return fail(text_errc::not_representable, start);
    out.push_back(static_cast<std::uint8_t>(c));
  }
  return out;
}

result<byte_vector> encode_iconv(std::string_view utf8, charset alphabet) {
  auto* converter = converter_for(alphabet, conversion::from_utf8);
  if (converter == nullptr) return fail(text_errc::charset_unavailable);
  std::string out;
  if (const auto stopped = converter->convert(utf8, out)) return fail(text_errc::not_representable, *stopped);
  const auto octets = as_bytes(out);
  return byte_vector(octets.begin(), octets.end());
}

result<byte_vector> encode_gsm7(std::string_view utf8, const text_coding& coding, std::size_t header_octets) {
  byte_vector septets;
  if (auto done = gsm7_encode(utf8, coding.languages, septets); !done) return done.error();
  if (coding.alphabet == charset::gsm7) return septets;
  byte_vector packed;
  gsm7_pack(septets, gsm7_fill_bits(header_octets), packed);
  return packed;
}

result<byte_vector> encode_utf8(std::string_view utf8) {
  bool ill_formed = false;
  for (std::size_t i = 0; i < utf8.size();) {
    const std::size_t start = i;
    next_code_point(utf8, i, ill_formed);
    if (ill_formed) return fail(text_errc::not_representable, start);
  }
  const auto octets = as_bytes(utf8);
  return byte_vector(octets.begin(), octets.end());
}

}  // namespace

result<decoded_text> decode_text(bytes_view octets, charset alphabet, const text_context& context) {
  switch (alphabet) {
    case charset::gsm7: {
      auto text = gsm7_decode(octets, context.alphabet);
      return decoded_text{std::move(text.text), text.irregular};
    }
    case charset::gsm7_packed: return decode_packed(octets, context);
    case charset::ascii: return decode_ascii(octets);
    case charset::latin1: return decoded_text{latin1_to_utf8(octets), false};
    case charset::utf8: return decode_utf8(octets);
    case charset::ucs2: return decode_ucs2(octets);
    case charset::octets: return fail(text_errc::not_text);
    default: return decode_iconv(octets, alphabet);
  }
}

result<decoded_text> decode_text(bytes_view octets, std::uint8_t data_coding, const coding_profile& profile,
                                 const text_context& context) {
  const auto info = classify(data_coding, profile);
  if (info.compressed) return fail(text_errc::compressed);
  auto out = decode_text(octets, info.alphabet, context);
  if (out && info.reserved) out->irregular = true;
  return out;
}

result<byte_vector> encode_text(std::string_view utf8, const text_coding& coding, std::size_t header_octets) {
  switch (coding.alphabet) {
    case charset::gsm7:
    case charset::gsm7_packed: return encode_gsm7(utf8, coding, header_octets);
    case charset::ascii: return encode_direct(utf8, 0x80);
    case charset::latin1: return encode_direct(utf8, 0x100);
    case charset::utf8: return encode_utf8(utf8);
    case charset::ucs2: return utf8_to_utf16be(utf8);
    case charset::octets: return fail(text_errc::not_text);
    default: return encode_iconv(utf8, coding.alphabet);
  }
}

}  // namespace msgkit::smpp
