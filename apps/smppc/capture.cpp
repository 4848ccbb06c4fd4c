#include "smppc/capture.hpp"

#include <algorithm>
#include <array>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// ---- packets

struct segment {
  std::string flow;
  std::uint32_t sequence = 0;
  bytes_view payload;
};

constexpr std::uint8_t protocol_tcp = 6;

std::string address_text(int family, const std::uint8_t* octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, octets, text.data(), text.size());
}

std::optional<segment> tcp_segment(bytes_view tcp, const std::string& source, const std::string& destination) {
  if (tcp.size() < 20) return std::nullopt;
  const std::size_t header = static_cast<std::size_t>(tcp[12] >> 4) * 4;
  if (header < 20 || header > tcp.size()) return std::nullopt;
  return segment{fmt::format("{}:{} > {}:{}", source, load_big<std::uint16_t>(&tcp[0]), destination,
                             load_big<std::uint16_t>(&tcp[2])),
                 load_big<std::uint32_t>(&tcp[4]), tcp.subspan(header)};
}

// An IPv4 or IPv6 packet with TCP in it. What follows the packet (Ethernet padding) is cut off.
std::optional<segment> ip_segment(bytes_view p) {
  if (p.size() >= 20 && p[0] >> 4 == 4) {
    const std::size_t header = static_cast<std::size_t>(p[0] & 15) * 4;
    const std::size_t total = load_big<std::uint16_t>(&p[2]);
    if (header < 20 || total < header || total > p.size() || p[9] != protocol_tcp) return std::nullopt;
    return tcp_segment(p.first(total).subspan(header), address_text(AF_INET, &p[12]), address_text(AF_INET, &p[16]));
  }
  if (p.size() >= 40 && p[0] >> 4 == 6) {
    const std::size_t total = 40u + load_big<std::uint16_t>(&p[4]);
    if (total > p.size() || p[6] != protocol_tcp) return std::nullopt;
    return tcp_segment(p.first(total).subspan(40), '[' + address_text(AF_INET6, &p[8]) + ']',
                       '[' + address_text(AF_INET6, &p[24]) + ']');
  }
  return std::nullopt;
}

bool is_ip_type(std::uint16_t ethertype) { return ethertype == 0x0800 || ethertype == 0x86DD; }

// A packet of unknown framing: IP at once, or behind an Ethernet header.
std::optional<segment> any_segment(bytes_view p) {
  if (auto found = ip_segment(p)) return found;
  if (p.size() > 14 && is_ip_type(load_big<std::uint16_t>(&p[12]))) return ip_segment(p.subspan(14));
  return std::nullopt;
}

// Puts segments behind each other, per direction of a connection.
class assembler {
 public:
  void add(const segment& s) {
    if (s.payload.empty()) return;
    auto [at, is_new] = flows_.try_emplace(s.flow, flow{streams_.size(), s.sequence});
    if (is_new) streams_.push_back({.name = s.flow});
    auto& f = at->second;
    const auto again = static_cast<std::int32_t>(f.next - s.sequence);  // octets seen before
    if (again >= static_cast<std::int32_t>(s.payload.size()) && again > 0) return;
    const auto fresh = again > 0 ? s.payload.subspan(static_cast<std::size_t>(again)) : s.payload;
    append(streams_[f.stream].octets, fresh);
    f.next = s.sequence + static_cast<std::uint32_t>(s.payload.size());
  }
  std::vector<octet_stream> take() { return std::move(streams_); }

 private:
  struct flow {
    std::size_t stream = 0;
    std::uint32_t next = 0;
  };
  std::map<std::string, flow> flows_;
  std::vector<octet_stream> streams_;
};

// ---- pcap files (the classic format)

constexpr std::size_t pcap_header_bytes = 24, record_header_bytes = 16;
constexpr std::uint32_t link_ethernet = 1, link_raw_ip = 101, link_linux_cooked = 113;

std::uint32_t load_little(const std::uint8_t* p) {
  return static_cast<std::uint32_t>(p[0] | p[1] << 8 | p[2] << 16) | static_cast<std::uint32_t>(p[3]) << 24;
}

bool is_pcap(bytes_view file) {
  if (file.size() < pcap_header_bytes) return false;
  const auto magic = load_big<std::uint32_t>(file.data());
  return magic == 0xA1B2C3D4 || magic == 0xD4C3B2A1 || magic == 0xA1B23C4D || magic == 0x4D3CB2A1;
}

capture read_pcap(bytes_view file) {
  const bool big = file[0] == 0xA1;
  const auto number = [&](std::size_t at) { return big ? load_big<std::uint32_t>(&file[at]) : load_little(&file[at]); };
  const auto link = number(20) & 0xFFFF;
  assembler all;
  for (std::size_t at = pcap_header_bytes; at + record_header_bytes <= file.size();) {
    const std::size_t length = number(at + 8);
    at += record_header_bytes;
    if (length > file.size() - at) break;  // the capture was cut off
    const auto packet = file.subspan(at, length);
    at += length;
    std::optional<segment> s;
    if (link == link_ethernet) s = any_segment(packet);
    else if (link == link_raw_ip) s = ip_segment(packet);
    else if (link == link_linux_cooked && packet.size() > 16) s = ip_segment(packet.subspan(16));
    if (s) all.add(*s);
  }
  capture c{.streams = all.take()};
  if (c.streams.empty()) c.problem = "the capture has no TCP data over IP";
  return c;
}

// ---- text

struct dump_line {
  std::size_t offset = 0;
  std::string digits;
};

// An offset of at least four hex digits, perhaps with 0x before or a colon behind, then octets in pairs or words, then
// perhaps the characters again behind two spaces or a bar.
std::optional<dump_line> parse_dump_line(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  auto rest = line.substr(begin);
  if (rest.starts_with("0x")) rest.remove_prefix(2);
  const auto offset_length = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_hex) - rest.begin());
  if (offset_length < 4 || offset_length > 8) return std::nullopt;
  dump_line parsed;
  std::from_chars(rest.data(), rest.data() + offset_length, parsed.offset, 16);
  rest.remove_prefix(offset_length);
  if (rest.starts_with(':')) rest.remove_prefix(1);
  if (rest.empty() || (rest[0] != ' ' && rest[0] != '\t')) return std::nullopt;
  auto at = rest.find_first_not_of(" \t");
  while (at != std::string_view::npos && parsed.digits.size() < 32) {
    const auto end = std::min(rest.find_first_not_of("0123456789abcdefABCDEF", at), rest.size());
    const bool ends_a_word = end == rest.size() || rest[end] == ' ' || rest[end] == '\t' || rest[end] == '\r';
    if (end == at || (end - at) % 2 != 0 || !ends_a_word) break;
    parsed.digits += rest.substr(at, end - at);
    const auto next = rest.find_first_not_of(" \t", end);
    if (next == std::string_view::npos || next - end > 2) break;
    at = next;
  }
  if (parsed.digits.empty()) return std::nullopt;
  return parsed;
}

// The dump's packets; a new one begins where the offsets begin again. Empty when it is not a dump.
std::vector<byte_vector> packets_of_dump(const std::string& content) {
  std::vector<byte_vector> packets;
  std::size_t last_offset = 0;
  bool is_dump = false;
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) {
    const auto parsed = parse_dump_line(std::string_view(line).substr(0, line.find('#')));
    if (!parsed) continue;
    if (!is_dump && parsed->offset != 0) return {};  // hex digits that look like an offset
    if (!is_dump || parsed->offset <= last_offset) packets.emplace_back();
    is_dump = true;
    last_offset = parsed->offset;
    const auto octets = from_hex(parsed->digits);
    if (octets) append(packets.back(), *octets);
  }
  return packets;
}

capture read_text(const std::string& content) {
  capture c;
  const auto packets = packets_of_dump(content);
  if (packets.empty()) {
    std::string digits;
    std::istringstream lines(content);
    for (std::string line; std::getline(lines, line);) digits += line.substr(0, line.find('#')) + '\n';
    auto octets = from_hex(digits);
    if (!octets) c.problem = fmt::format("not hexadecimal at character {}", octets.error().offset);
    else c.streams.push_back({.octets = std::move(*octets)});
    return c;
  }
  assembler all;
  octet_stream bare;
  for (const auto& p : packets) {
    if (const auto s = any_segment(p)) all.add(*s);
    else append(bare.octets, p);
  }
  c.streams = all.take();
  if (!bare.octets.empty()) c.streams.push_back(std::move(bare));
  if (c.streams.empty()) c.problem = "the dump has no TCP data";
  return c;
}

bool is_text(const std::string& content) {
  return std::ranges::all_of(content, [](unsigned char c) { return std::isprint(c) != 0 || std::isspace(c) != 0; });
}

}  // namespace

capture read_capture(const std::string& content) {
  const auto octets = as_bytes(content);
  if (is_pcap(octets)) return read_pcap(octets);
  if (is_text(content)) return read_text(content);
  if (octets.size() >= 4 && load_big<std::uint32_t>(octets.data()) == 0x0A0D0D0A)
    return {.problem = "pcapng is not read; save it as pcap (tcpdump -w, or editcap -F pcap)"};
  return {.streams = {{.octets = byte_vector(octets.begin(), octets.end())}}};
}

}  // namespace msgkit::app
