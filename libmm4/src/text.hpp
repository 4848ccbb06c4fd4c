// Small text helpers of the header readers.
#pragma once

#include <algorithm>
#include <string_view>

#include "msgkit/core/mime/header.hpp"

namespace msgkit::mm4 {

// Trimmed, and without one pair of double quotes around it.
inline std::string_view unquoted(std::string_view text) noexcept {
  text = mime::trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = mime::trim(text.substr(1, text.size() - 2));
  return text;
}

inline bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace msgkit::mm4
