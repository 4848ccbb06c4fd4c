// Sizes in octets. The vendor's server reads up to about 3.5 KB; what is larger than ours is not from a GoIP.
#pragma once

#include <cstddef>

namespace msgkit::goip {

constexpr std::size_t datagram_bytes_max = 4096;
constexpr std::size_t line_id_bytes_max = 64;
constexpr std::size_t password_bytes_max = 64;
constexpr std::size_t number_bytes_max = 64;
constexpr std::size_t sms_text_bytes_max = 3000;   // of MSG and SMS; the device splits long texts itself
constexpr std::size_t ussd_code_bytes_max = 182;
constexpr std::size_t verb_bytes_max = 24;
constexpr std::size_t number_digits_max = 20;      // of the number after a verb, sign aside

}  // namespace msgkit::goip
