// SHA-1 (RFC 3174), which XEP-0114 prescribes for its handshake; nothing else here may use it. Our own so that the
// library needs no cryptographic one for sixty lines.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace msgkit::xmppcomp {

std::array<std::uint8_t, 20> sha1(std::string_view text) noexcept;

}  // namespace msgkit::xmppcomp
