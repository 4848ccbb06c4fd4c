// UTF-8, UTF-16BE and hexadecimal text: whatever comes in, what goes out is well formed, and well-formed input survives
// the way there and back.
#include <cstdlib>

#include "msgkit/core/hex.hpp"
#include "msgkit/core/utf.hpp"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const msgkit::bytes_view octets{data, size};
  const std::string_view text = msgkit::as_text(octets);

  const std::u32string code_points = msgkit::to_code_points(text);
  std::string encoded;
  for (const char32_t c : code_points) msgkit::append_utf8(encoded, c);
  require(msgkit::is_valid_utf8(encoded));
  require(msgkit::count_code_points(encoded) == code_points.size());
  if (msgkit::is_valid_utf8(text)) {
    require(encoded == text);
    bool irregular = false;
    require(msgkit::utf16be_to_utf8(msgkit::utf8_to_utf16be(text), &irregular) == text);
    require(!irregular);
  }
  require(msgkit::is_valid_utf8(msgkit::utf16be_to_utf8(octets)));
  require(msgkit::is_valid_utf8(msgkit::latin1_to_utf8(octets)));

  const auto back = msgkit::from_hex(msgkit::to_hex(octets));
  require(back.has_value() && msgkit::as_text(*back) == text);
  const auto parsed = msgkit::from_hex(text);
  require(parsed.has_value() || parsed.error().offset <= size);
  return 0;
}
