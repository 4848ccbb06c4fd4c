#include "connectors/enum_answer.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace msgkit::app {
namespace {

constexpr std::size_t regexp_octets_max = 512, uri_octets_max = 1'024, captures_max = 10;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "E2U+pstn:tel", in the older order "pstn:tel+E2U", too.
bool is_enum(const enum_record& r) {
  const auto services = lower(r.services);
  return lower(r.flags) == "u" && (services.starts_with("e2u+") || services.ends_with("+e2u"));
}

// The URI that "!^.*$!tel:\\1!" makes of "+number" (RFC 3402 section 3.2); nothing where it does not fit.
std::optional<std::string> substituted(std::string_view number, std::string_view expression) {
  if (expression.size() < 3 || expression.size() > regexp_octets_max) return std::nullopt;
  const char mark = expression.front();
  const auto middle = expression.find(mark, 1);
  const auto end = middle == expression.npos ? middle : expression.find(mark, middle + 1);
  if (end == expression.npos || is_digit(mark) || mark == '\\') return std::nullopt;
  RE2::Options options(RE2::Quiet);
  options.set_case_sensitive(expression.substr(end + 1).find('i') == expression.npos);
  options.set_max_mem(1 << 20);
  const std::string pattern(expression.substr(1, middle - 1));
  const RE2 re(pattern, options);
  std::array<re2::StringPiece, captures_max> found;
  const std::string subject = '+' + std::string(number);
  const auto count = std::min(captures_max, static_cast<std::size_t>(re.ok() ? re.NumberOfCapturingGroups() + 1 : 0));
  if (!re.ok() || !re.Match(subject, 0, subject.size(), RE2::UNANCHORED, found.data(), static_cast<int>(count)))
    return std::nullopt;
  std::string uri;
  const auto replacement = expression.substr(middle + 1, end - middle - 1);
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '\\' || i + 1 == replacement.size()) {
      uri += replacement[i];
      continue;
    }
    ++i;
    const auto which = static_cast<std::size_t>(replacement[i] - '0');
    if (!is_digit(replacement[i])) uri += replacement[i];
    else if (which >= count) return std::nullopt;
    else uri.append(found[which].data() == nullptr ? "" : found[which].data(), found[which].size());
  }
  if (uri.size() > uri_octets_max) return std::nullopt;
  return uri;
}

// Of "tel:+1202;npdi;rn=+1404" or "sip:+1202;npdi;rn=+1404@host".
std::string routing_of(const std::string& uri) {
  if (!uri.starts_with("tel:") && !uri.starts_with("sip:") && !uri.starts_with("sips:")) return {};
  constexpr std::string_view name = ";rn=";
  const auto user = std::string_view(uri).substr(0, uri.find_first_of("@?"));
  const auto at = user.find(name);
  if (at == user.npos) return {};
  const auto value = user.substr(at + name.size());
  return routing_digits(value.substr(0, value.find(';'))).value_or("");
}

// Of a domain such as mms.mnc001.mcc240.gprs, or mnc001.mcc240.3gppnetwork.org.
std::string network_of(const std::string& uri) {
  constexpr std::size_t code = 3, whole = 13;  // "mnc001.mcc240"
  const auto domain = std::string_view(uri).substr(std::min(uri.find('@'), uri.size()));
  for (auto at = domain.find("mnc"); at != domain.npos; at = domain.find("mnc", at + 1)) {
    const auto piece = domain.substr(at, whole);
    if (piece.size() < whole || piece.substr(6, 4) != ".mcc") continue;
    const auto mnc = piece.substr(3, code), mcc = piece.substr(10, code);
    if (std::ranges::all_of(mnc, is_digit) && std::ranges::all_of(mcc, is_digit))
      return std::string(mcc) + std::string(mnc);
  }
  return {};
}

}  // namespace

std::string enum_name(std::string_view number, std::string_view zone) {
  std::string name;
  for (auto i = number.size(); i-- > 0;) name += {number[i], '.'};
  return name.append(zone);
}

number_answer read_enum_records(std::string_view number, std::span<const enum_record> records) {
  number_answer a{.fate = number_fate::not_found};
  for (const auto& r : records) {
    if (!is_enum(r)) continue;
    const auto made = substituted(number, r.regexp);
    if (!made) continue;
    const auto uri = lower(*made);
    if (a.routing.empty()) a.routing = routing_of(uri);
    if (a.network.empty()) a.network = network_of(uri);
  }
  if (!a.routing.empty() || !a.network.empty()) a.fate = number_fate::found;
  return a;
}

}  // namespace msgkit::app
