// One iconv conversion descriptor. Not thread-safe: keep one per thread.
#pragma once

#include <iconv.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace msgkit {

class iconv_converter {
 public:
  // Names as iconv knows them. See usable().
  iconv_converter(const char* to, const char* from) noexcept;
  iconv_converter(const iconv_converter&) = delete;
  iconv_converter& operator=(const iconv_converter&) = delete;
  ~iconv_converter();

  // Both charsets are known on this machine.
  bool usable() const noexcept;

  // Appends the conversion of `in` to `out`. Stops at the first octet that does not convert and returns its offset;
  // returns nothing when all of `in` was converted. State-dependent charsets end in their initial state either way.
  std::optional<std::size_t> convert(std::string_view in, std::string& out);

 private:
  bool drain(char** in, std::size_t* left, std::string& out);

  iconv_t descriptor_;
};

}  // namespace msgkit
