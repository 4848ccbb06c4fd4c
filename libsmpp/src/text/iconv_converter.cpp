#include "iconv_converter.hpp"

#include <array>
#include <memory>

namespace msgkit::smpp {
namespace {

// glibc's names.
constexpr const char* iconv_name(charset c) {
  switch (c) {
    case charset::cyrillic: return "ISO-8859-5";
    case charset::hebrew: return "ISO-8859-8";
    // Not "SHIFT_JIS", which turns the backslash and tilde of every URL into yen sign and overline.
    case charset::shift_jis: return "CP932";
    case charset::iso_2022_jp: return "ISO-2022-JP";
    case charset::euc_jp: return "EUC-JP";
    case charset::euc_kr: return "CP949";
    default: return nullptr;
  }
}
constexpr std::size_t charset_count = static_cast<std::size_t>(charset::octets) + 1;

}  // namespace

iconv_converter* converter_for(charset alphabet, conversion direction) {
  thread_local std::array<std::unique_ptr<iconv_converter>, charset_count * 2> converters;
  const char* name = iconv_name(alphabet);
  if (name == nullptr) return nullptr;
  auto& slot = converters[static_cast<std::size_t>(alphabet) * 2 + static_cast<std::size_t>(direction)];
  if (!slot) {
    const bool to_utf8 = direction == conversion::to_utf8;
    slot = std::make_unique<iconv_converter>(to_utf8 ? "UTF-8" : name, to_utf8 ? name : "UTF-8");
  }
  return slot->usable() ? slot.get() : nullptr;
}

}  // namespace msgkit::smpp
