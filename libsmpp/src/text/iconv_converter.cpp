#include "iconv_converter.hpp"

#include <array>
#include <cerrno>
#include <memory>

namespace msgkit::smpp {
namespace {

const iconv_t no_descriptor = reinterpret_cast<iconv_t>(-1);

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

iconv_converter::iconv_converter(const char* to, const char* from) noexcept : descriptor_(iconv_open(to, from)) {}

iconv_converter::~iconv_converter() {
  if (usable()) iconv_close(descriptor_);
}

bool iconv_converter::usable() const noexcept { return descriptor_ != no_descriptor; }

// Runs iconv until it has eaten its input or refuses; a full block (E2BIG) only means another round.
bool iconv_converter::drain(char** in, std::size_t* left, std::string& out) {
  std::array<char, 512> block;
  for (;;) {
    char* to = block.data();
    std::size_t room = block.size();
    const std::size_t done = iconv(descriptor_, in, left, &to, &room);
    const int why = errno;
    out.append(block.data(), block.size() - room);
    if (done != static_cast<std::size_t>(-1)) return true;
    if (why != E2BIG) return false;
  }
}

std::optional<std::size_t> iconv_converter::convert(std::string_view in, std::string& out) {
  char* from = const_cast<char*>(in.data());  // iconv's signature; the input is not written
  std::size_t left = in.size();
  const bool complete = drain(&from, &left, out);
  drain(nullptr, nullptr, out);  // back to the initial state, with its escape sequence if there is one
  if (complete) return std::nullopt;
  return in.size() - left;
}

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
