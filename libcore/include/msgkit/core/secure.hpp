// Small helpers for secrets that need no cryptographic library.
#pragma once

#include <string>
#include <string_view>

namespace msgkit {

// Compares without an early exit. The time taken depends on the lengths only, not on where the texts differ.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

// Overwrites the text in a way the optimiser keeps, then clears it.
void wipe(std::string& secret) noexcept;

}  // namespace msgkit
