// The least that two XMPP components can do: A writes one and the same message in batches, B counts closing tags. No
// XML parser, no check, no escaping, no acknowledgement.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness.hpp"

namespace msgkit::bench {

// Stanzas a second from a.test to b.test (secret "sec") through the server at this loopback port, at most `window` on
// the way. Throws std::system_error when the server refuses.
double bare_component(std::uint16_t port, std::size_t window, seconds length);

}  // namespace msgkit::bench
