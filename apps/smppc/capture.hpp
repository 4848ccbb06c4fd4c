// SMPP octets out of what people have at hand: hex digits, hex dumps of xxd, hexdump, od or tcpdump, files with PDUs,
// pcap files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"

namespace msgkit::app {

// Octets that belong behind each other: one direction of a TCP connection, or everything when there are no packets.
struct octet_stream {
  std::string name{};  // "192.0.2.1:40112 > 192.0.2.2:2775"; empty without packets
  byte_vector octets{};
};

struct capture {
  std::vector<octet_stream> streams{};  // in the order they begin
  std::string problem{};                // why there are none, for standard error
};

// Ethernet, Linux cooked and bare IP frames are looked into; other packets of a capture are passed over. Segments that
// come again are dropped, those out of order are not put back.
capture read_capture(const std::string& content);

}  // namespace msgkit::app
