// Shows how a text becomes short messages: its coding, its parts, and what each part and its SAR TLVs are in octets.
// No network.
//   smpp_long_text TEXT [udh8|udh16|sar|payload]
#include <cstdio>
#include <cstring>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/message.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace smpp = msgkit::smpp;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: smpp_long_text TEXT [udh8|udh16|sar|payload]\n");
    return 2;
  }
  auto method = smpp::long_message_method::udh8;
  if (argc > 2 && std::strcmp(argv[2], "udh16") == 0) method = smpp::long_message_method::udh16;
  if (argc > 2 && std::strcmp(argv[2], "sar") == 0) method = smpp::long_message_method::sar;
  if (argc > 2 && std::strcmp(argv[2], "payload") == 0) method = smpp::long_message_method::payload;

  const auto choice = smpp::choose_coding(argv[1]);  // GSM 7-bit if it can say all of it, else UCS-2
  const auto cut = smpp::split_text(argv[1], choice.coding, {.method = method, .reference = 0x2A});
  if (!cut) {
    std::fprintf(stderr, "%s\n", cut.error().code.message().c_str());
    return 1;
  }
  std::printf("data_coding 0x%02x, %zu part%s, %s\n", unsigned{choice.data_coding}, cut->parts.size(),
              cut->parts.size() == 1 ? "" : "s", cut->has_header ? "with user data header" : "without header");
  for (const auto& part : cut->parts) {
    smpp::tlv_builder tlvs;
    if (cut->sar_tlvs) smpp::add_sar(tlvs, part.position);
    std::printf("%3zu octets  %s  %s\n", part.octets.size(), msgkit::to_hex(part.octets).c_str(),
                msgkit::to_hex(tlvs.list().encoded()).c_str());
  }
}
