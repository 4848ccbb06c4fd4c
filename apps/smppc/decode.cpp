#include "smppc/decode.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/describe.hpp"

namespace msgkit::app {
namespace {

bool is_text(const std::string& content) {
  return std::ranges::all_of(content, [](unsigned char c) { return std::isprint(c) != 0 || std::isspace(c) != 0; });
}

// A line of a hex dump: an offset of at least four hex digits, octets in pairs, then perhaps the characters again
// behind two spaces or a bar. Any other line is taken as hex digits, '#' begins a comment.
std::string octets_of_line(std::string line) {
  line = line.substr(0, line.find('#'));
  std::istringstream words(line);
  std::string first;
  words >> first;
  if (first.ends_with(':')) first.pop_back();
  const bool all_hex = std::ranges::all_of(first, [](unsigned char c) { return std::isxdigit(c) != 0; });
  const auto after_first = line.find_first_not_of(" \t", line.find(first) + first.size());
  const bool is_dump = all_hex && first.size() >= 4 && first.size() <= 8 && after_first != std::string::npos &&
                       after_first - line.find(first) > first.size();
  if (!is_dump) return line;
  std::string digits;
  for (auto at = after_first; at + 1 < line.size() && digits.size() < 32;) {
    if (std::isxdigit(static_cast<unsigned char>(line[at])) == 0) break;
    // Pairs, or words of four digits as xxd and tcpdump write them.
    auto end = at;
    while (end < line.size() && std::isxdigit(static_cast<unsigned char>(line[end])) != 0) ++end;
    if ((end - at) % 2 != 0) break;
    digits += line.substr(at, end - at);
    const auto next = line.find_first_not_of(" \t", end);
    if (next == std::string::npos || next - end > 2) break;
    at = next;
  }
  return digits;
}

result<byte_vector> octets_of(const std::string& content) {
  if (!is_text(content)) return byte_vector(content.begin(), content.end());
  std::string digits;
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) digits += octets_of_line(line) + '\n';
  return from_hex(digits);
}

int decode_all(bytes_view octets) {
  if (octets.empty()) {
    fmt::print(stderr, "smppc decode: no octets\n");
    return 1;
  }
  std::size_t at = 0;
  while (at < octets.size()) {
    const auto rest = octets.subspan(at);
    const auto length = smpp::frame_length(rest, 0xFFFFFFFF);
    if (!length) {
      fmt::print(stderr, "smppc decode: octet {}: {}\n", at, length.error().code.message());
      return 1;
    }
    smpp::diagnostics notes;
    const auto p = smpp::decode(rest, &notes);
    if (!p) {
      fmt::print(stderr, "smppc decode: {} at octet {}: {}\n", p.error().field, at + p.error().offset,
                 p.error().code.message());
      return 1;
    }
    fmt::print("{}\n", smpp::to_json(*p, notes));
    at += *length;
  }
  return 0;
}

}  // namespace

int run_decode(const decode_options& o) {
  std::string content;
  if (!o.hex.empty()) {
    for (const auto& part : o.hex) content += part + ' ';
    const auto octets = from_hex(content);
    if (!octets) {
      fmt::print(stderr, "smppc decode: not hexadecimal at character {}\n", octets.error().offset);
      return 1;
    }
    return decode_all(*octets);
  }
  if (o.file.empty() || o.file == "-") {
    content.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream file(o.file, std::ios::binary);
    if (!file) {
      fmt::print(stderr, "smppc decode: cannot read {}\n", o.file);
      return 2;
    }
    content.assign(std::istreambuf_iterator<char>(file), {});
  }
  const auto octets = octets_of(content);
  if (!octets) {
    fmt::print(stderr, "smppc decode: not hexadecimal at character {}\n", octets.error().offset);
    return 1;
  }
  return decode_all(*octets);
}

}  // namespace msgkit::app
