#include "connectors/template_section.hpp"

#include <algorithm>

#include "connectors/http_exchange.hpp"
#include "connectors/template_text.hpp"

namespace msgkit::app {

template_section::template_section(const json& from, std::string path, std::vector<std::string>& errors)
    : from_(from), path_(std::move(path)), errors_(errors) {
  if (!from_.is_object()) fail("", "must be an object");
}

void template_section::close() {
  if (!from_.is_object()) return;
  std::string all;
  for (const auto& k : known_) all.append(all.empty() ? "" : ", ").append(k);
  for (const auto& [key, value] : from_.items())
    if (!known_.contains(key)) fail(key, "is not a key of this object; there are: " + all);
}

const nlohmann::json* template_section::find(std::string_view key) {
  known_.emplace(key);
  if (!from_.is_object()) return nullptr;
  const auto found = from_.find(std::string(key));
  return found == from_.end() || found->is_null() ? nullptr : &*found;
}

std::string template_section::path_of(std::string_view key) const {
  return path_.empty() || key.empty() ? path_ + std::string(key) : path_ + '.' + std::string(key);
}

void template_section::fail(std::string_view key, std::string_view why) {
  const auto path = path_of(key);
  errors_.push_back(fmt::format("template{}{}: {}", path.empty() ? "" : ".", path, why));
}

bool template_section::text(std::string_view key, std::string& out, std::size_t max) {
  const auto* const j = find(key);
  return j != nullptr && text_in(key, *j, out, max);
}

bool template_section::text_in(std::string_view key, const json& j, std::string& out, std::size_t max) {
  if (!j.is_string()) {
    fail(key, "must be text");
    return false;
  }
  const auto& given = j.get_ref<const std::string&>();
  if (given.empty() || given.size() > max) {
    fail(key, fmt::format("must be 1..{} octets, not {}", max, given.size()));
    return false;
  }
  out = given;
  return true;
}

std::optional<std::int64_t> template_section::whole_number(std::string_view key, std::int64_t min, std::int64_t max) {
  const auto* const j = find(key);
  if (j == nullptr) return std::nullopt;
  const bool fits =
      j->is_number_unsigned()
          ? std::cmp_less_equal(j->get<std::uint64_t>(), max) && std::cmp_greater_equal(j->get<std::uint64_t>(), min)
          : j->is_number_integer() && j->get<std::int64_t>() >= min && j->get<std::int64_t>() <= max;
  if (fits) return j->get<std::int64_t>();
  fail(key, fmt::format("must be a whole number of {}..{}", min, max));
  return std::nullopt;
}

void template_section::texts(std::string_view key, std::vector<std::string>& out) {
  if (has(key)) out.clear();
  list(key, rows_max, [&](const std::string& at, const json& each) { text_in(at, each, out.emplace_back()); });
}

void template_section::check_request(std::string_view key, const std::string& t) {
  if (const auto problem = check_template(t, is_request_name); !problem.empty())
    fail(key, problem + "; the names are " + request_names());
}

void template_section::pattern(std::string_view key, text_pattern& out) {
  constexpr std::size_t octets_max = 512;
  std::string given, why;
  if (!text(key, given, octets_max)) return;
  if (auto made = text_pattern::make(std::move(given), why)) out = *std::move(made);
  else fail(key, why);
}

bool template_section::pointer(std::string_view key, std::string& out) {
  constexpr std::size_t octets_max = 256, digits_max = 6;
  std::string given;
  if (!text(key, given, octets_max)) return false;
  out = as_pointer(given);
  const auto why = problem_of_pointer(out, digits_max);
  if (!why.empty()) fail(key, why);
  return why.empty();
}

void template_section::value(std::string_view key, value_at& out) {
  object(key, [&](template_section& s) { s.value_here(out); });
}

void template_section::value_here(value_at& out) {
  pointer("pointer", out.pointer);
  pattern("regex", out.pattern);
  if (has("pointer") == has("regex")) fail("", "must have one of pointer and regex");
  if (out.pattern.groups() > 1) fail("regex", "must have at most one group");
}

void template_section::header_name(std::string_view key, std::string& out) {
  constexpr std::size_t octets_max = 64;
  std::string given;
  if (!text(key, given, octets_max)) return;
  if (is_header_name(given)) out = std::move(given);
  else fail(key, "must be letters, digits, - and _");
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::string as_pointer(const std::string& name_or_pointer) {
  if (name_or_pointer.starts_with('/')) return name_or_pointer;
  std::string out = "/";
  for (const char c : name_or_pointer) out += c == '~' ? "~0" : std::string(1, c);
  return out;
}

std::string problem_of_pointer(const std::string& pointer, std::size_t digits_max) {
  std::size_t digits = 0;
  for (const char c : pointer) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > digits_max) return fmt::format("must have numbers of at most {} digits", digits_max);
  }
  try {
    const nlohmann::json::json_pointer parsed(pointer);
    return {};
  } catch (const nlohmann::json::exception&) {
    return "must be a JSON pointer like /data/id";
  }
}

}  // namespace msgkit::app
