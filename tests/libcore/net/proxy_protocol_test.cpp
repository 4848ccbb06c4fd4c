#include "msgkit/core/net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include "msgkit/core/error.hpp"
#include "msgkit/core/hex.hpp"

using namespace msgkit;

namespace {

constexpr std::string_view signature = "0d0a0d0a000d0a515549540a";

byte_vector v2(std::string_view rest) { return *from_hex(std::string(signature) + std::string(rest)); }

struct good_header {
  const char* what;
  byte_vector octets;
  std::string source;  // empty: the socket's own address stays
};

byte_vector text(std::string_view line) {
  const auto octets = as_bytes(line);
  return {octets.begin(), octets.end()};
}

std::vector<good_header> good_headers() {
  const std::string v6 = "20010db8000000000000000000000001" "20010db8000000000000000000000002" "1f90" "0ac7";
  return {
      {"v1 TCP4", text("PROXY TCP4 192.0.2.1 198.51.100.2 56324 2775\r\n"), "192.0.2.1:56324"},
      {"v1 TCP6", text("PROXY TCP6 2001:db8::1 2001:db8::2 8080 2775\r\n"), "[2001:db8::1]:8080"},
      {"v1 UNKNOWN", text("PROXY UNKNOWN\r\n"), ""},
      {"v1 UNKNOWN with addresses", text("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), ""},
      {"v2 TCP over IPv4", v2("21" "11" "000c" "c0000201" "c6336402" "dc04" "0ad7"), "192.0.2.1:56324"},
      {"v2 TCP over IPv6", v2("21" "21" "0024" + v6), "[2001:db8::1]:8080"},
      {"v2 with TLVs", v2("21" "11" "0011" "c0000201" "c6336402" "dc04" "0ad7" "0400020000"), "192.0.2.1:56324"},
      {"v2 LOCAL", v2("20" "00" "0000"), ""},
      {"v2 LOCAL with octets to skip", v2("20" "00" "0003" "aabbcc"), ""},
      {"v2 unspecified family", v2("21" "00" "0000"), ""},
  };
}

}  // namespace

TEST(ProxyHeader, GivesTheSourceAndItsOwnLength) {
  for (const auto& h : good_headers()) {
    auto octets = h.octets;
    append(octets, as_bytes("and what follows"));
    const auto parsed = parse_proxy_header(octets);
    ASSERT_TRUE(parsed && *parsed) << h.what;
    EXPECT_EQ((*parsed)->length, h.octets.size()) << h.what;
    const auto& source = (*parsed)->source;
    EXPECT_EQ(source ? source->to_string() : "", h.source) << h.what;
  }
}

TEST(ProxyHeader, EveryPrefixWaitsForMore) {
  for (const auto& h : good_headers())
    for (std::size_t count = 0; count < h.octets.size(); ++count) {
      const auto parsed = parse_proxy_header(bytes_view{h.octets}.first(count));
      ASSERT_TRUE(parsed) << h.what << " at " << count;
      EXPECT_FALSE(*parsed) << h.what << " at " << count;
    }
}

TEST(ProxyHeader, RefusesWhatIsNone) {
  const std::pair<const char*, byte_vector> bad[] = {
      {"another protocol", text("GET / HTTP/1.1\r\n")},
      {"an SMPP bind", *from_hex("0000002f00000009")},
      {"lower case", text("proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n")},
      {"unknown family", text("PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n")},
      {"no addresses", text("PROXY TCP4\r\n")},
      {"no ports", text("PROXY TCP4 192.0.2.1 198.51.100.2\r\n")},
      {"an address that is none", text("PROXY TCP4 192.0.2.300 198.51.100.2 1 2\r\n")},
      {"an address of the other family", text("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n")},
      {"a port that is none", text("PROXY TCP4 192.0.2.1 198.51.100.2 x 2\r\n")},
      {"a port beyond 65535", text("PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n")},
      {"a negative port", text("PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n")},
      {"a line without end", text("PROXY TCP4 " + std::string(107, '1'))},
      {"a version that is not 2", v2("31" "11" "000c" "c0000201" "c6336402" "dc04" "0ad7")},
      {"an unknown command", v2("22" "11" "000c" "c0000201" "c6336402" "dc04" "0ad7")},
      {"addresses too short for their family", v2("21" "11" "0004" "c0000201")},
      {"addresses too short for IPv6", v2("21" "21" "000c" "c0000201" "c6336402" "dc04" "0ad7")},
      {"more than any header needs", v2("21" "11" "ffff")},
      {"a broken signature", *from_hex("0d0a0d0a000d0a515549540b")},
  };
  for (const auto& [what, octets] : bad) {
    const auto parsed = parse_proxy_header(octets);
    ASSERT_FALSE(parsed) << what;
    EXPECT_EQ(parsed.error().code, errc::proxy_header_invalid) << what;
  }
}

TEST(ProxyHeader, AnyOctetMayChangeWithoutHarm) {
  for (const auto& h : good_headers())
    for (std::size_t at = 0; at < h.octets.size(); ++at)
      for (int value = 0; value < 256; ++value) {
        auto octets = h.octets;
        octets[at] = static_cast<std::uint8_t>(value);
        const auto parsed = parse_proxy_header(octets);
        EXPECT_TRUE(!parsed || !*parsed || (*parsed)->length <= octets.size());
      }
}
