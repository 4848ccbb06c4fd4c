#include "msgkit/core/iconv_converter.hpp"

#include <array>
#include <cerrno>

namespace msgkit {
namespace {

const iconv_t no_descriptor = reinterpret_cast<iconv_t>(-1);

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

}  // namespace msgkit
