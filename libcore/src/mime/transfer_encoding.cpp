#include "msgkit/core/mime/transfer_encoding.hpp"

#include <mimetic/codec/base64.h>

#include <algorithm>
#include <array>

#include "msgkit/core/mime/errc.hpp"
#include "msgkit/core/mime/header.hpp"

namespace msgkit::mime {
namespace {

constexpr struct {
  transfer_encoding value;
  std::string_view name;
} names[] = {{transfer_encoding::seven_bit, "7bit"},
             {transfer_encoding::eight_bit, "8bit"},
             {transfer_encoding::binary, "binary"},
             {transfer_encoding::quoted_printable, "quoted-printable"},
             {transfer_encoding::base64, "base64"}};

enum character : std::uint8_t { bad, letter, white, padding };
constexpr auto character_table = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = letter;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = letter;
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = letter;
  table['+'] = table['/'] = letter;
  table[' '] = table['\t'] = table['\r'] = table['\n'] = white;
  table['='] = padding;
  return table;
}();

constexpr std::size_t block_characters = 16 * 1024;  // a multiple of four

// An output iterator over memory that is known to suffice.
struct octet_output {
  std::uint8_t*& at;
  octet_output& operator*() { return *this; }
  octet_output& operator++() { return *this; }
  octet_output& operator=(int c) {
    *at++ = static_cast<std::uint8_t>(c);
    return *this;
  }
};

// mimetic ends its lines with LF; mail wants CRLF.
struct line_output {
  byte_vector& out;
  line_output& operator*() { return *this; }
  line_output& operator++() { return *this; }
  line_output& operator=(char c) {
    if (c == '\n') out.push_back('\r');
    out.push_back(static_cast<std::uint8_t>(c));
    return *this;
  }
};

fault invalid_at(std::size_t offset) { return {make_error_code(errc::base64_invalid), "base64", offset}; }

}  // namespace

transfer_encoding parse_transfer_encoding(std::string_view value) noexcept {
  value = trim(value);
  if (value.empty()) return transfer_encoding::seven_bit;
  for (const auto& n : names)
    if (equal_ignoring_case(n.name, value)) return n.value;
  return transfer_encoding::unknown;
}

std::string_view to_string(transfer_encoding e) noexcept {
  for (const auto& n : names)
    if (n.value == e) return n.name;
  return "unknown";
}

// Collects the characters of whole groups and has mimetic decode block by block: it skips what it does not know and
// makes junk of misplaced padding, so nothing reaches it that has not been checked.
result<void> decode_base64(bytes_view text, std::size_t bytes_max, const octet_sink& sink) {
  std::array<std::uint8_t, block_characters> block;
  std::array<std::uint8_t, block_characters / 4 * 3> decoded;
  std::size_t fill = 0, produced = 0, padded = 0;
  const auto flush = [&](bool& go_on) -> bool {
    std::uint8_t* end = decoded.data();
    mimetic::Base64::Decoder().process(block.data(), block.data() + fill, octet_output{end});
    fill = 0;
    const auto count = static_cast<std::size_t>(end - decoded.data());
    produced += count;
    if (produced > bytes_max) return false;
    go_on = count == 0 || sink(bytes_view{decoded.data(), count});
    return true;
  };
  bool go_on = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto kind = character_table[text[i]];
    if (kind == letter && padded == 0) [[likely]] {
      block[fill++] = text[i];
    } else if (kind == white) {
      continue;
    } else if (kind == padding && fill % 4 + padded >= 2 && padded < 2 && (fill % 4) + padded < 4) {
      ++padded;
    } else {
      return invalid_at(i);
    }
    if (fill == block.size()) {
      if (!flush(go_on)) return fault{make_error_code(errc::part_too_long), "base64", i};
      if (!go_on) return {};
    }
  }
  if (fill % 4 == 1) return invalid_at(text.size());
  if (!flush(go_on)) return fault{make_error_code(errc::part_too_long), "base64", text.size()};
  return {};
}

result<byte_vector> decode_base64(bytes_view text, std::size_t bytes_max) {
  byte_vector out;
  out.reserve(std::min(bytes_max, text.size() / 4 * 3 + 3));
  const auto ok = decode_base64(text, bytes_max, [&out](bytes_view octets) {
    append(out, octets);
    return true;
  });
  if (!ok) return ok.error();
  return out;
}

std::size_t base64_length(std::size_t octets, std::size_t line_length) noexcept {
  const auto characters = (octets + 2) / 3 * 4;
  if (line_length == 0) return characters;
  return characters + (characters + line_length - 1) / line_length * 2;
}

void append_base64(byte_vector& out, bytes_view octets, std::size_t line_length) {
  out.reserve(out.size() + base64_length(octets.size(), line_length));
  mimetic::Base64::Encoder(static_cast<int>(line_length)).process(octets.begin(), octets.end(), line_output{out});
  if (line_length != 0 && !octets.empty() && out.back() != '\n') append(out, "\r\n");
}

std::string encode_base64(bytes_view octets, std::size_t line_length) {
  byte_vector out;
  append_base64(out, octets, line_length);
  return std::string(as_text(out));
}

byte_vector decode_quoted_printable(bytes_view octets, bool in_word) {
  const auto text = as_text(octets);
  byte_vector out;
  out.reserve(text.size());
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  const auto line_end_at = [text](std::size_t i) -> std::size_t {  // its length, 0: none here
    if (i >= text.size()) return 0;
    if (text[i] == '\n') return 1;
    return text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n' ? 2 : 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=') {
      const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
      const int low = high >= 0 ? digit(text[i + 2]) : -1;
      if (low >= 0) {
        out.push_back(static_cast<std::uint8_t>(high * 16 + low));
        i += 2;
        continue;
      }
      auto next = i + 1;
      while (next < text.size() && (text[next] == ' ' || text[next] == '\t')) ++next;
      const auto end = line_end_at(next);
      if (!in_word && (end != 0 || next == text.size())) {
        i = next + (end == 0 ? 0 : end) - 1;
        continue;
      }
    }
    if (!in_word && (text[i] == ' ' || text[i] == '\t')) {  // padding that a relay has added (rule 3)
      const auto next = text.find_first_not_of(" \t", i);
      if (next == std::string_view::npos) break;
      if (line_end_at(next) != 0) {
        i = next - 1;
        continue;
      }
    }
    out.push_back(static_cast<std::uint8_t>(text[i]));
  }
  return out;
}

}  // namespace msgkit::mime
