// One iconv conversion descriptor. Not thread-safe: converter_for keeps one per thread.
#pragma once

#include <iconv.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/smpp/text/data_coding.hpp"

namespace msgkit::smpp {

class iconv_converter {
 public:
  iconv_converter(const char* to, const char* from) noexcept;
  iconv_converter(const iconv_converter&) = delete;
  iconv_converter& operator=(const iconv_converter&) = delete;
  ~iconv_converter();

  bool usable() const noexcept;

  // Appends the conversion of `in` to `out`. Stops at the first octet that does not convert and returns its offset;
  // returns nothing when all of `in` was converted. State-dependent charsets end in their initial state either way.
  std::optional<std::size_t> convert(std::string_view in, std::string& out);

 private:
  bool drain(char** in, std::size_t* left, std::string& out);

  iconv_t descriptor_;
};

enum class conversion : std::uint8_t { to_utf8, from_utf8 };

// The calling thread's converter, or null when `alphabet` is not converted through iconv or its table is not installed.
iconv_converter* converter_for(charset alphabet, conversion direction);

}  // namespace msgkit::smpp
