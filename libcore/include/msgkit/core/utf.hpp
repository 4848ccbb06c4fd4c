// UTF-8 and UTF-16BE. Text inside msgkit is UTF-8; a code point is a char32_t.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit {

constexpr char32_t replacement_character = 0xFFFD;

// Decodes the code point at `text[i]` and advances `i` past it. An ill-formed sequence yields
// replacement_character, advances by its maximal valid prefix (at least one octet) and sets `ill_formed`.
// Precondition: i < text.size().
char32_t next_code_point(std::string_view text, std::size_t& i, bool& ill_formed) noexcept;

// Surrogates and values above U+10FFFF are written as U+FFFD.
void append_utf8(std::string& out, char32_t code_point);

// How many octets below 0x80 `text` begins with.
std::size_t ascii_prefix(std::string_view text) noexcept;

bool is_valid_utf8(std::string_view text) noexcept;
std::size_t count_code_points(std::string_view text) noexcept;

// Ill-formed parts become U+FFFD.
std::u32string to_code_points(std::string_view utf8);

// A copy in which ill-formed parts are U+FFFD.
std::string repaired_utf8(std::string_view text);

// UTF-16 with big-endian octets, surrogate pairs for the astral planes. Ill-formed input becomes U+FFFD.
byte_vector utf8_to_utf16be(std::string_view utf8);

// Surrogate pairs are joined; a lone surrogate or a trailing odd octet becomes U+FFFD respectively is dropped,
// and `irregular`, when given, is set.
std::string utf16be_to_utf8(bytes_view octets, bool* irregular = nullptr);

std::string latin1_to_utf8(bytes_view octets);

}  // namespace msgkit
