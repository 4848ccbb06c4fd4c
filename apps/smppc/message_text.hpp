// Arguments that become parts of messages: text in a coding, TLVs, times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/smpp/text/segmentation.hpp"
#include "msgkit/smpp/tlv.hpp"

namespace msgkit::app {

struct text_options {
  std::string text{};                  // UTF-8
  std::string hex{};                   // octets instead of text
  std::string coding = "auto";         // a name of coding_names(), or a data_coding number
  std::string long_messages = "udh8";  // udh8, udh16, sar, payload
  bool flash = false;                  // show at once, do not store
  bool transliterate = false;          // with auto: rather look-alikes in GSM 7-bit than UCS-2
};

// "auto, gsm7, ..." for help and messages.
std::string coding_names();

struct encoded_text {
  smpp::split_message message{};
  std::uint8_t data_coding = 0;
};
// The problem in words, naming the option, or empty.
std::string encode_arguments(const text_options& o, encoded_text& out);

// "0x1400=6869", "0x1400=text:hi", "user_message_reference=0001". False when it is none of these.
bool add_tlv_argument(smpp::tlv_builder& tlvs, std::string_view argument);
// All of them; the problem in words or empty.
std::string add_tlv_arguments(smpp::tlv_builder& tlvs, const std::vector<std::string>& arguments);

// Seconds become a relative time, 16 characters are taken as SMPP's own time. On a problem says so in `problem`.
std::string time_argument(const std::string& text, std::string_view option, std::string& problem);

// A JSON string with its quotes.
std::string quoted(std::string_view text);

}  // namespace msgkit::app
