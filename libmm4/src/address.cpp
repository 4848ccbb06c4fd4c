#include "msgkit/mm4/address.hpp"

#include <algorithm>

#include "msgkit/mm4/errc.hpp"
#include "text.hpp"

namespace msgkit::mm4 {
namespace {

constexpr std::size_t digits_max = 20;      // E.164 has 15; national prefixes make more of them
constexpr std::size_t short_code_max = 6;
constexpr std::size_t name_length_max = 32;

bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= name_length_max && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view{" -_#*&."}.find(c) != std::string_view::npos;
  });
}
bool is_host(std::string_view text) noexcept {
  return text.find('.') != std::string_view::npos && text.front() != '.' && text.back() != '.' &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}
bool is_domain(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view{".-_[]:"}.find(c) != std::string_view::npos;
  });
}
bool is_local_part(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > 32 && c < 127 && std::string_view{"<>()\"\\,;@[]"}.find(c) == std::string_view::npos;
  });
}

// The number without separators, or empty when it is none.
std::string normal_number(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '+' && out.empty()) out += c;
    else if (c >= '0' && c <= '9') out += c;
    else if (std::string_view{" -.()"}.find(c) == std::string_view::npos) return {};
  }
  const auto digits = out.size() - (out.starts_with('+') ? 1u : 0u);
  return digits == 0 || digits > digits_max ? std::string{} : out;
}

address_kind number_kind(std::string_view number) noexcept {
  return number.starts_with('+') || number.size() > short_code_max ? address_kind::number : address_kind::short_code;
}

// Cuts a display name and brackets off: `"Name" <a@b>`, `<a@b>`, `a@b`.
std::string_view without_name(std::string_view text) noexcept {
  text = mime::trim(text);
  const auto open = text.rfind('<');
  if (open != std::string_view::npos && text.ends_with('>')) return mime::trim(text.substr(open + 1, text.size() - open - 2));
  return unquoted(text);
}

struct type_name {
  std::string_view name;
  address_kind kind;
};
constexpr type_name types[] = {{"PLMN", address_kind::number}, {"IPv4", address_kind::ipv4}, {"IPv6", address_kind::ipv6}};

result<address> parse_typed(std::string_view local, std::string_view type, std::string_view domain) {
  const auto found = std::ranges::find_if(types, [type](const type_name& t) { return mime::equal_ignoring_case(t.name, type); });
  if (found == std::ranges::end(types)) return errc::address_invalid;
  address a{.kind = found->kind, .value = {}, .domain = std::string(domain), .typed = true};
  if (found->kind != address_kind::number) {
    const bool plain = !local.empty() && std::ranges::all_of(local, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':';
    });
    if (!plain) return errc::address_invalid;
    a.value = local;
    return a;
  }
  a.value = normal_number(local);
  if (!a.value.empty()) {
    a.kind = number_kind(a.value);
    return a;
  }
  if (!is_name(local)) return errc::address_invalid;
  a.kind = address_kind::alphanumeric;
  a.value = local;
  return a;
}

}  // namespace

std::string_view address::digits() const noexcept {
  const std::string_view v = value;
  return v.starts_with('+') ? v.substr(1) : v;
}

result<address> parse_address(std::string_view text) {
  const auto spec = without_name(text);
  if (spec.empty() || spec.size() > address_length_max) return errc::address_invalid;
  const auto at = spec.rfind('@');
  const auto domain = at == std::string_view::npos ? std::string_view{} : spec.substr(at + 1);
  const auto local = spec.substr(0, at);
  if (at != std::string_view::npos && !is_domain(domain)) return fault{make_error_code(errc::address_invalid), "address", at};
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '/' && mime::starts_ignoring_case(local.substr(i), "/TYPE="))
      return parse_typed(mime::trim(local.substr(0, i)), mime::trim(local.substr(i + 6)), domain);
  }
  auto number = normal_number(local);
  if (!number.empty()) {
    const auto kind = number_kind(number);
    return address{.kind = kind, .value = std::move(number), .domain = std::string(domain)};
  }
  if (at != std::string_view::npos) {
    if (!is_local_part(local)) return errc::address_invalid;
    return address{.kind = address_kind::email, .value = std::string(spec)};
  }
  if (is_host(spec)) return address{.kind = address_kind::host, .value = std::string(spec)};
  if (is_name(spec)) return address{.kind = address_kind::alphanumeric, .value = std::string(spec)};
  return errc::address_invalid;
}

result<std::vector<address>> parse_address_list(std::string_view text, std::size_t count_max) {
  std::vector<address> list;
  std::size_t start = 0;
  bool quoted = false, bracketed = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '"') quoted = !quoted;
    if (c == '<' && !quoted) bracketed = true;
    if (c == '>') bracketed = false;
    const bool separates = i == text.size() || (!quoted && !bracketed && (c == ',' || c == ';'));
    if (!separates) continue;
    const auto one = mime::trim(text.substr(start, i - start));
    if (!one.empty()) {
      if (list.size() == count_max) return fault{make_error_code(errc::too_many_recipients), "address", start};
      auto a = parse_address(one);
      if (!a) return fault{a.error().code, "address", start};
      list.push_back(*std::move(a));
    }
    start = i + 1;
  }
  return list;
}

std::string to_string(const address& a, address_style style, std::string_view domain) {
  if (a.kind == address_kind::ipv4) return a.value + "/TYPE=IPv4";
  if (a.kind == address_kind::ipv6) return a.value + "/TYPE=IPv6";
  if (a.kind == address_kind::email || a.kind == address_kind::host) return a.value;
  const bool typed = style == address_style::typed || style == address_style::typed_with_domain;
  std::string out = a.value;
  if (typed && (a.is_telephone() || a.typed)) out += "/TYPE=PLMN";
  const bool with_domain = style == address_style::typed_with_domain || style == address_style::with_domain;
  if (with_domain && !domain.empty()) out.append("@").append(domain);
  return out;
}

}  // namespace msgkit::mm4
