// Message ids of carriers in one comparable form: peers answer a submit with "0A1F" and report on 2591.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/options.hpp"

namespace msgkit::engine {

// Two ids mean the same message when their normal forms are equal. Numbers come out as lower-case hexadecimal without
// leading zeros; what is not a number of the announced form, or too long for 128 bits, is folded instead.
std::string normal_form(std::string_view id, id_form form);

// Hash of endpoint and normal form, for the table of messages that await a report.
std::uint64_t correlation_hash(std::string_view endpoint, std::string_view normal) noexcept;

}  // namespace msgkit::engine
