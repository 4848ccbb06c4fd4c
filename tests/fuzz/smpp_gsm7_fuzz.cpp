// GSM 7-bit: any octets decode to well-formed UTF-8, and what decodes regularly encodes back to an equal text, unpacked
// and packed. The first two octets choose the languages and the fill bits.
#include <cstdlib>

#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/gsm7.hpp"
#include "msgkit/smpp/text/transliterate.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

void check_packing(bytes_view septets, std::size_t fill) {
  byte_vector packed, back;
  gsm7_pack(septets, fill, packed);
  gsm7_unpack(packed, fill, septets.size(), back);
  check(back.size() == septets.size());
  for (std::size_t i = 0; i < back.size(); ++i) check(back[i] == (septets[i] & 0x7F));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const gsm7_alphabet alphabet{static_cast<gsm7_language>(data[0] & 15), static_cast<gsm7_language>(data[0] >> 4)};
  const std::size_t fill = data[1] % 7;
  const bytes_view rest{data + 2, size - 2};

  const auto decoded = gsm7_decode(rest, alphabet);
  check(is_valid_utf8(decoded.text));
  check(decoded.text.size() <= rest.size() * 3);
  if (!decoded.irregular) {
    byte_vector septets;
    check(gsm7_encode(decoded.text, alphabet, septets).has_value());
    check(gsm7_septets(decoded.text, alphabet) == septets.size());
    check(gsm7_decode(septets, alphabet).text == decoded.text);
  }
  check_packing(rest, fill);
  byte_vector septets;
  gsm7_unpack(rest, fill, septets);
  check(is_valid_utf8(gsm7_decode(septets, alphabet).text));

  const auto text = as_text(rest);
  const auto transliterated = transliterate(text, {.alphabet = alphabet});
  check(!transliterated.fits || gsm7_septets(transliterated.text, alphabet).has_value());
  byte_vector lossy;
  gsm7_encode_lossy(text, alphabet, lossy);
  check(!gsm7_decode(lossy, alphabet).text.empty() || text.empty());

  for (int dc = 0; dc < 256; dc += data[1] + 1) {
    const auto any = decode_text(rest, static_cast<std::uint8_t>(dc));
    check(!any || is_valid_utf8(any->text));
  }
  const auto choice = choose_coding(text, {.national_languages = true, .latin1 = true});
  check(encode_text(text, choice.coding).has_value());
  return 0;
}
