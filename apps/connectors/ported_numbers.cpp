#include "connectors/ported_numbers.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

namespace msgkit::app {
namespace {

constexpr std::size_t digits_max = 15;

std::optional<std::uint64_t> key_of(std::string_view digits) {
  if (digits.size() > digits_max) return std::nullopt;
  std::uint64_t key = 1;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    key = key * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return key;
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view next_cell(std::string_view& line) {
  const auto comma = std::min(line.find(','), line.size());
  const auto cell = line.substr(0, comma);
  line.remove_prefix(std::min(comma + 1, line.size()));
  return trimmed(cell);
}

// The answer of what follows the number; nothing with the reason in `why`.
std::optional<number_answer> answer_of(std::string_view rest, std::string& why) {
  number_answer a{.fate = number_fate::found};
  if (const auto routing = next_cell(rest); !routing.empty()) {
    auto digits = routing_digits(routing);
    if (!digits) return why = "the routing number is none", std::nullopt;
    a.routing = *std::move(digits);
  }
  a.network = next_cell(rest);
  if (!a.network.empty() && !is_network_name(a.network)) return why = "the network is none", std::nullopt;
  if (!trimmed(rest).empty()) return why = "has more than three cells", std::nullopt;
  if (a.routing.empty() && a.network.empty()) return why = "has neither routing number nor network", std::nullopt;
  return a;
}

}  // namespace

std::shared_ptr<const ported_numbers> ported_numbers::read(std::istream& in, std::string& why) {
  const auto all = std::make_shared<ported_numbers>();
  std::map<std::pair<std::string, std::string>, std::uint32_t> known;
  std::size_t number = 0;
  const auto fail = [&](const std::string& text) {
    why = "line " + std::to_string(number) + ": " + text;
    return nullptr;
  };
  for (std::string text; std::getline(in, text);) {
    if (++number > lines_max) return fail("there are more than " + std::to_string(lines_max));
    auto line = trimmed(text);
    const bool is_heading = number == 1 && !line.empty() && std::isalpha(static_cast<unsigned char>(line[0])) != 0;
    if (line.empty() || line.starts_with('#') || is_heading) continue;
    auto digits = next_cell(line);
    const bool is_prefix = digits.ends_with('*');
    if (is_prefix) digits.remove_suffix(1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto key = key_of(digits);
    if (!key || digits.empty()) return fail("has no number of up to 15 digits at its beginning");
    std::string problem;
    auto answer = answer_of(line, problem);
    if (!answer) return fail(problem);
    const auto [at, is_new] =
        known.try_emplace({answer->routing, answer->network}, static_cast<std::uint32_t>(all->answers_.size()));
    if (is_new) all->answers_.push_back(*std::move(answer));
    (is_prefix ? all->prefixes_ : all->exact_).emplace_back(*key, at->second);
  }
  if (in.bad()) return fail("cannot be read");
  for (auto* rows : {&all->exact_, &all->prefixes_}) {
    std::ranges::reverse(*rows);  // the last one stays
    std::ranges::stable_sort(*rows, {}, &row::first);
    const auto is_same = [](const row& a, const row& b) { return a.first == b.first; };
    rows->erase(std::unique(rows->begin(), rows->end(), is_same), rows->end());
    rows->shrink_to_fit();
  }
  return all;
}

const ported_numbers::row* ported_numbers::at(const std::vector<row>& rows, std::uint64_t key) {
  const auto found = std::ranges::lower_bound(rows, key, {}, &row::first);
  return found == rows.end() || found->first != key ? nullptr : &*found;
}

const number_answer* ported_numbers::find(std::string_view number) const {
  auto key = key_of(number);
  if (!key) return nullptr;
  const auto* found = at(exact_, *key);
  for (; found == nullptr && *key > 1 && !prefixes_.empty(); *key /= 10) found = at(prefixes_, *key);
  return found == nullptr ? nullptr : &answers_[found->second];
}

}  // namespace msgkit::app
