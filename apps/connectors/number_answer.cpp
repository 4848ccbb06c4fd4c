#include "connectors/number_answer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/json.hpp"

namespace msgkit::app {
namespace {

constexpr std::size_t routing_max = 32, network_max = 64;

}  // namespace

std::optional<std::string> routing_digits(std::string_view text) {
  std::string digits;
  if (text.starts_with('+')) text.remove_prefix(1);
  for (const char c : text) {
    if (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')') continue;
    const char upper = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    if (!(upper >= '0' && upper <= '9') && !(upper >= 'A' && upper <= 'F')) return std::nullopt;
    digits += upper;
  }
  if (digits.empty() || digits.size() > routing_max) return std::nullopt;
  return digits;
}

bool is_network_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= network_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7F'; });
}

number_answer read_number_answer(const number_answer_shape& shape, unsigned status, std::string_view body) {
  constexpr unsigned no_content = 204, missing = 404;
  if (status == missing || status == no_content) return {.fate = number_fate::not_found};
  nlohmann::json j;
  std::string why;
  constexpr json_limits limits{.bytes_max = 64 * 1024};
  if (status / 100 != 2 || !parse_json(body, j, why, limits)) return {};
  number_answer a{.fate = number_fate::not_found};
  if (const auto text = text_at(j, shape.routing); !text.empty()) {
    auto digits = routing_digits(text);
    if (!digits) return {};
    a.routing = *std::move(digits);
  }
  for (const auto& pointer : shape.network) a.network += text_at(j, pointer);
  if (!a.network.empty() && !is_network_name(a.network)) return {};
  if (!a.routing.empty() || !a.network.empty()) a.fate = number_fate::found;
  return a;
}

}  // namespace msgkit::app
