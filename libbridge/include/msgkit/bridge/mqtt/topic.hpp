// Topic names and filters (MQTT 5 section 4.7).
#pragma once

#include <string_view>

namespace msgkit::bridge::mqtt {

// 1..65535 octets of UTF-8 without wildcards and NUL.
bool is_topic_name(std::string_view text) noexcept;
// '+' fills a whole level, '#' the whole last one. For a shared subscription this is the part after the group.
bool is_topic_filter(std::string_view text) noexcept;

// "$share/group/filter". A filter that is not shared has an empty group.
struct shared_filter {
  std::string_view group{};
  std::string_view filter{};
};
// Returns false for "$share/" without a valid group and filter.
bool split_shared(std::string_view text, shared_filter& out) noexcept;

// Whether a name falls under a filter; names beginning with '$' are not matched by a wildcard in first place.
bool matches(std::string_view filter, std::string_view name) noexcept;

}  // namespace msgkit::bridge::mqtt
