#include "msggw/batch/batch_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace msgkit::app {
namespace {

using nlohmann::json;
using row = std::vector<std::string>;

// Takes one row off the front. False for a quote that does not end, or one in the middle of a value.
bool take_row(std::string_view& rest, std::size_t& line, row& out) {
  out.assign(1, "");
  bool quoted = false, was_quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') out.back() += c;
      else if (i + 1 < rest.size() && rest[i + 1] == '"') out.back() += rest[++i];
      else quoted = false;
    } else if (c == '"') {
      if (!out.back().empty() || was_quoted) return false;
      quoted = was_quoted = true;
    } else if (c == ',') {
      if (out.size() == csv_columns_max) return false;
      out.emplace_back();
      was_quoted = false;
    } else if (c == '\n') {
      rest.remove_prefix(i + 1);
      return true;
    } else if (c != '\r') {
      if (was_quoted) return false;
      out.back() += c;
    }
  }
  rest = {};
  return !quoted;
}

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// What each column is in a batch's JSON: "to", "text", or the name of a variable behind a '.'.
bool read_header(const row& header, row& meaning, std::string& why) {
  for (const auto& title : header) {
    const auto name = lower(title);
    if (is_one_of(name, {"to", "phone", "number", "destination"})) meaning.emplace_back("to");
    else if (is_one_of(name, {"text", "message", "body"})) meaning.emplace_back("text");
    else meaning.push_back("." + title);
  }
  for (const auto* name : {"to", "text"})
    if (std::ranges::count(meaning, name) > 1) why = fmt::format("line 1: two columns are {}", name);
  if (std::ranges::find(meaning, "to") == meaning.end()) why = "line 1: no column is to, phone, number or destination";
  return why.empty();
}

}  // namespace

bool read_batch_csv(std::string_view csv, std::size_t rows_max, json& messages, std::string& why) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (csv.starts_with(byte_order_mark)) csv.remove_prefix(byte_order_mark.size());
  std::size_t line = 0;
  row cells, meaning;
  messages = json::array();
  while (!csv.empty()) {
    const auto at = line + 1;
    if (!take_row(csv, line, cells)) {
      why = fmt::format("line {}: a quote is not where it may be, or there are over {} columns", at, csv_columns_max);
      return false;
    }
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (meaning.empty()) {
      if (!read_header(cells, meaning, why)) return false;
      continue;
    }
    if (cells.size() != meaning.size() || messages.size() == rows_max) {
      why = messages.size() == rows_max
                ? fmt::format("line {}: over {} rows", at, rows_max)
                : fmt::format("line {}: has {} columns, not {}", at, cells.size(), meaning.size());
      return false;
    }
    json message = json::object();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (meaning[i].starts_with('.')) message["variables"][meaning[i].substr(1)] = std::move(cells[i]);
      else if (meaning[i] == "to" || !cells[i].empty()) message[meaning[i]] = std::move(cells[i]);
    }
    messages.push_back(std::move(message));
  }
  if (messages.empty()) why = "there is no row";
  return why.empty();
}

}  // namespace msgkit::app
