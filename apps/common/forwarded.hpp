// Who asks when a reverse proxy stands between: the last address of X-Forwarded-For that no proxy of ours wrote.
#pragma once

#include <string>
#include <string_view>

#include "common/http_message.hpp"
#include "msgkit/core/net/ip_ranges.hpp"

namespace msgkit::app {

// "address:0", or `peer` as it is when it is none of `trusted` or the field does not say. What stands further left in
// the field was written by whoever asks, and is not believed.
std::string requester_of(const http_request& r, std::string_view peer, const ip_ranges& trusted);

}  // namespace msgkit::app
