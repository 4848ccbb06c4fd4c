#include "common/config_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <vector>

namespace msgkit::app {
namespace {

constexpr std::int64_t duration_ms_max = 3650LL * 24 * 3600 * 1000;

struct unit {
  std::string_view name;
  std::int64_t factor;
};
// Longest first where one name begins another.
constexpr unit duration_units[] = {{"ms", 1},         {"s", 1000},        {"min", 60'000},
                                   {"m", 60'000},     {"h", 3'600'000},   {"d", 86'400'000}};
constexpr unit size_units[] = {{"KiB", 1LL << 10}, {"KB", 1LL << 10}, {"kB", 1LL << 10}, {"K", 1LL << 10},
                               {"k", 1LL << 10},   {"MiB", 1LL << 20}, {"MB", 1LL << 20}, {"M", 1LL << 20},
                               {"GiB", 1LL << 30}, {"GB", 1LL << 30}, {"G", 1LL << 30},  {"TiB", 1LL << 40},
                               {"TB", 1LL << 40},  {"T", 1LL << 40},  {"B", 1}};

// Takes a run of digits off the front.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  bool first = true;
  while (!text.empty()) {
    const auto count = take_number(text);
    if (!count) return std::nullopt;
    std::int64_t factor = 1000;
    if (text.empty()) {
      if (!first) return std::nullopt;  // "1h30" is ambiguous
    } else {
      const auto* const found = std::ranges::find_if(duration_units, [&](unit u) { return text.starts_with(u.name); });
      if (found == std::end(duration_units)) return std::nullopt;
      factor = found->factor;
      text.remove_prefix(found->name.size());
    }
    if (*count > (duration_ms_max - total) / factor) return std::nullopt;
    total += *count * factor;
    first = false;
  }
  return std::chrono::milliseconds{total};
}

std::string format_duration(std::chrono::milliseconds value) {
  const auto ms = value.count();
  if (ms % 1000 != 0) return fmt::format("{}ms", ms);
  if (ms != 0 && ms % 86'400'000 == 0) return fmt::format("{}d", ms / 86'400'000);
  if (ms != 0 && ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms != 0 && ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  return fmt::format("{}s", ms / 1000);
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  const auto count = take_number(text);
  if (!count) return std::nullopt;
  if (text.empty()) return count;
  const auto* const found = std::ranges::find(size_units, text, &unit::name);
  if (found == std::end(size_units)) return std::nullopt;
  if (*count > std::numeric_limits<std::int64_t>::max() / found->factor) return std::nullopt;
  return *count * found->factor;
}

std::string format_size(std::size_t value) {
  constexpr std::string_view names[] = {"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t i = 0;
  while (value != 0 && value % 1024 == 0 && i + 1 < std::size(names)) {
    value /= 1024;
    ++i;
  }
  return fmt::format("{}{}", value, names[i]);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return value;
}

std::optional<bool> parse_flag(std::string_view text) {
  for (const auto* const yes : {"true", "1", "yes", "on"})
    if (text == yes) return true;
  for (const auto* const no : {"false", "0", "no", "off"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<config_endpoint> parse_endpoint(std::string_view text, std::string_view default_host) {
  config_endpoint out{std::string(default_host), 0};
  std::string_view port = text;
  if (text.starts_with('[')) {
    const auto close = text.find("]:");
    if (close == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, close - 1);
    port = text.substr(close + 2);
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    out.host = colon == 0 ? "0.0.0.0" : text.substr(0, colon);
    if (out.host.find(':') != std::string::npos) return std::nullopt;  // IPv6 needs its brackets
    port = text.substr(colon + 1);
  }
  const auto value = parse_integer(port);
  if (!value || *value < 0 || *value > 65535 || out.host.empty()) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*value);
  return out;
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto candidate : known) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace msgkit::app
