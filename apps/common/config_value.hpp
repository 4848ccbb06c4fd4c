// Text forms of configuration values: durations, sizes, endpoints, and spelling suggestions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/config.hpp"

namespace msgkit::app {

// "500ms", "30s", "1h30m", or a bare count of seconds. Nothing for anything else, negative or above 10 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds value);

// "4096", "64KiB", "16MB", "2G". Units count 1024.
std::optional<std::int64_t> parse_size(std::string_view text);
std::string format_size(std::size_t value);

std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<bool> parse_flag(std::string_view text);

// `default_host` serves a bare port. Nothing when the port is missing or above 65535.
std::optional<config_endpoint> parse_endpoint(std::string_view text, std::string_view default_host);

// The known word nearest to `word` by edit distance, if near enough to be what was meant; empty otherwise.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace msgkit::app
