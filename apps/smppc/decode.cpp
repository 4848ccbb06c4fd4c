#include "smppc/decode.hpp"

#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/describe.hpp"
#include "smppc/capture.hpp"

namespace msgkit::app {
namespace {

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

int decode_streams(const capture& c) {
  if (c.streams.empty()) {
    fmt::print(stderr, "smppc decode: {}\n", c.problem.empty() ? "no octets" : c.problem);
    return 1;
  }
  int exit_code = 0;
  for (const auto& stream : c.streams) {
    if (!stream.name.empty()) {
      std::fflush(stdout);
      fmt::print(stderr, "{}\n", stream.name);
    }
    exit_code = std::max(exit_code, decode_all(stream.octets));
  }
  return exit_code;
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
  return decode_streams(read_capture(content));
}

}  // namespace msgkit::app
