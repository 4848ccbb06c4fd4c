#include "msgkit/core/mime/media_type.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "msgkit/core/mime/charset.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/percent.hpp"

namespace msgkit::mime {
namespace {

constexpr std::string_view wap_multipart = "vnd.wap.multipart.";

// What cannot stand in a type or subtype, as it is read.
constexpr auto no_name_character = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c <= 32; ++c) table[c] = true;
  for (const char c : std::string_view{",\"()<>@[]?="}) table[static_cast<unsigned char>(c)] = true;
  table[127] = true;
  return table;
}();

const std::string* find_in(const std::vector<parameter>& all, std::string_view name) noexcept {
  const auto found = std::ranges::find(all, name, &parameter::name);
  return found == all.end() ? nullptr : &found->value;
}

std::string take_quoted(std::string_view text, std::size_t& i) {
  std::string value;
  for (++i; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  if (i < text.size()) ++i;
  return value;
}

// The pieces of name*0, name*1*, name* (RFC 2231 section 3 and 4).
struct extended_value {
  std::map<unsigned, std::pair<std::string, bool>> pieces;  // by number: value, percent-encoded
};
constexpr unsigned pieces_max = 64;

std::string join(const extended_value& v) {
  std::string octets, charset;
  bool first = true;
  for (const auto& [number, piece] : v.pieces) {
    std::string_view text = piece.first;
    if (first && piece.second) {
      const auto quote = text.find('\'');
      const auto second = quote == std::string_view::npos ? quote : text.find('\'', quote + 1);
      if (second != std::string_view::npos) {
        charset = text.substr(0, quote);
        text.remove_prefix(second + 1);
      }
    }
    first = false;
    octets += piece.second ? percent_decode(text) : std::string(text);
  }
  return charset.empty() ? octets : to_utf8_or_guess(as_bytes(octets), charset);
}

}  // namespace

const std::string* value_with_parameters::find(std::string_view name) const noexcept { return find_in(parameters, name); }
std::string_view value_with_parameters::get(std::string_view name) const noexcept {
  const auto* v = find(name);
  return v == nullptr ? std::string_view{} : std::string_view{*v};
}

value_with_parameters parse_parameters(std::string_view field) {
  value_with_parameters result;
  std::map<std::string, extended_value> extended;
  std::size_t i = std::min(field.find(';'), field.size());
  // A parameter may follow a blank although its ';' is missing.
  const auto head = field.substr(0, i);
  const auto equals = head.find('=');
  if (equals != std::string_view::npos) {
    const auto blank = head.find_last_of(" \t", equals);
    if (blank != std::string_view::npos) i = blank;
  }
  result.value = trim(field.substr(0, i));
  constexpr std::size_t usual = 4;
  if (i < field.size()) result.parameters.reserve(usual);
  while (i < field.size()) {
    while (i < field.size() && (field[i] == ';' || field[i] == ' ' || field[i] == '\t')) ++i;
    const auto name_at = i;
    while (i < field.size() && field[i] != '=' && field[i] != ';' && field[i] != ' ' && field[i] != '\t') ++i;
    auto name = lower(field.substr(name_at, i - name_at));
    while (i < field.size() && (field[i] == ' ' || field[i] == '\t')) ++i;
    if (i >= field.size() || field[i] != '=' || name.empty()) {
      if (i < field.size() && field[i] == '=') ++i;  // "=x" without a name
      continue;
    }
    ++i;
    while (i < field.size() && (field[i] == ' ' || field[i] == '\t')) ++i;
    std::string value;
    if (i < field.size() && field[i] == '"') {
      value = take_quoted(field, i);
    } else {
      const auto value_at = i;
      while (i < field.size() && field[i] != ';' && field[i] != ' ' && field[i] != '\t') ++i;
      value = field.substr(value_at, i - value_at);
    }
    const auto star = name.find('*');
    if (star == std::string::npos) {
      if (result.find(name) == nullptr) result.parameters.push_back({std::move(name), std::move(value)});
      continue;
    }
    const bool encoded = name.ends_with('*');
    unsigned number = 0;
    std::from_chars(name.data() + star + 1, name.data() + name.size(), number);
    if (number < pieces_max) extended[name.substr(0, star)].pieces.try_emplace(number, std::move(value), encoded);
  }
  // The extended spelling says more than a plain one beside it (RFC 2231 section 4.1).
  for (auto& [name, value] : extended) {
    const auto found = std::ranges::find(result.parameters, name, &parameter::name);
    if (found != result.parameters.end()) found->value = join(value);
    else result.parameters.push_back({name, join(value)});
  }
  return result;
}

bool media_type::is(std::string_view e) const noexcept {
  return e.size() == type.size() + 1 + subtype.size() && e.starts_with(type) && e[type.size()] == '/' && e.ends_with(subtype);
}
const std::string* media_type::find(std::string_view name) const noexcept { return find_in(parameters, name); }
std::string_view media_type::get(std::string_view name) const noexcept {
  const auto* v = find(name);
  return v == nullptr ? std::string_view{} : std::string_view{*v};
}

media_type parse_media_type(std::string_view field) {
  media_type result;
  auto parsed = parse_parameters(field);
  const std::string_view value = parsed.value;
  const auto slash = value.find('/');
  const auto type = trim(value.substr(0, slash));
  const auto subtype = slash == std::string_view::npos ? std::string_view{} : trim(value.substr(slash + 1));
  const auto is_name = [](std::string_view s) {
    return !s.empty() &&
           std::ranges::all_of(s, [](char c) { return !no_name_character[static_cast<unsigned char>(c)]; });
  };
  if (!is_name(type) || !is_name(subtype)) return result;
  result.type = lower(type);
  result.subtype = lower(subtype);
  if (result.type == "application" && result.subtype.starts_with(wap_multipart)) {
    result.type = "multipart";
    result.subtype.erase(0, wap_multipart.size());
  }
  result.parameters = std::move(parsed.parameters);
  return result;
}

std::string quote_parameter(std::string_view value) {
  const bool is_token = !value.empty() && std::ranges::all_of(value, [](char c) {
    return c > 32 && c < 127 && std::string_view{"()<>@,;:\\\"/[]?="}.find(c) == std::string_view::npos;
  });
  if (is_token) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string to_string(const media_type& type) {
  auto out = type.essence();
  for (const auto& p : type.parameters) out += "; " + p.name + '=' + quote_parameter(p.value);
  return out;
}

}  // namespace msgkit::mime
