// ENUM (RFC 6116): what the NAPTR records of a telephone number say about where it is routed. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "connectors/number_answer.hpp"

namespace msgkit::app {

struct enum_record {
  std::string flags{}, services{}, regexp{};
};

// "+1202" in "e164.arpa" is "2.0.2.1.e164.arpa". `number` in digits.
std::string enum_name(std::string_view number, std::string_view zone);

// Of records in their order: the first `rn` of a tel or sip URI (RFC 4694, RFC 4769), and the first network that a
// domain like mms.mnc001.mcc240.gprs names, as "240001": code of the country and three digits. Records that are no E2U,
// not terminal, or cannot be read say nothing.
number_answer read_enum_records(std::string_view number, std::span<const enum_record> records);

}  // namespace msgkit::app
